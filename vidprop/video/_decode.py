"""Frames of a video file, decoded by PyAV (the same libavcodec as ffmpeg's).

Not by a pipe from the ffmpeg binary: the planes are the same byte for byte in every
codec of the tests, at about the same speed (measured: 22 to 27 frames a second at
1920x1080 either way, on one busy machine), but only here does each frame bring its own
timestamp, size, interlacing and damage. A pipe of raw planes has none of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import dropwhile, islice
from pathlib import Path
from typing import Any

import av

from vidprop.errors import DecodeError

from . import _ffv1
from ._container import open_media, reading, use_threads, video_stream
from ._index import FrameIndex
from ._native import plane_format, planes
from ._rate import on_grid
from .formats import Frame, PlaneFormat, VideoInfo

# MPEG streams seek by what is near in bytes, and may land behind what was asked for.
_SEEKABLE = ("mov", "matroska")


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be read.

    start, end: frame numbers in the whole clip, end left out; None is the end of the file.
    deinterlace: make progressive frames of interlaced ones, as many as there were.
    damaged: "raise", or "keep" to take frames as the decoder patches them up.
    """

    path: Path
    info: VideoInfo
    index: FrameIndex | None
    start: int
    end: int | None
    deinterlace: bool
    damaged: str


def decode(request: Request) -> Iterator[Frame]:
    """The frames asked for, in order of showing.

    Raises:
        DecodeError: a frame is damaged or of another format than the first, or the file
            ends before it should.
    """
    number, last = request.start, None
    for picture in _from_start(request):
        if number == request.end:
            return
        yield _frame(picture, number, request)
        number, last = number + 1, picture
    if request.damaged == "raise":
        _check_end(number, last, request)


def _from_start(request: Request) -> Iterator[Any]:
    first = _seekable_start(request)
    if first is None:
        yield from islice(_pictures(request, None), request.start, None)
        return
    pictures = dropwhile(lambda p: _ticks(p, request) < first, _pictures(request, first))
    found = next(pictures, None)
    if found is None or _ticks(found, request) != first:
        raise DecodeError(f"{request.path}: frame {request.start} cannot be found by its time")
    yield found
    yield from pictures


def _seekable_start(request: Request) -> int | None:
    """The time to seek to; None where only counting from the first frame is exact."""
    container = request.info.container
    if request.index is None or not container.startswith(_SEEKABLE) or not request.start:
        return None
    return request.index.times[request.start]


def _pictures(request: Request, first: int | None) -> Iterator[Any]:
    with open_media(request.path) as container:
        stream = video_stream(container, request.path)
        use_threads(stream)
        if first is not None and request.index is not None:
            with reading(request.path):
                container.seek(request.index.key_before(first), stream=stream)
        pictures = _decoded(container, stream, request)
        yield from _deinterlaced(pictures, stream) if request.deinterlace else pictures


def _decoded(container: Any, stream: Any, request: Request) -> Iterator[Any]:
    count = 0
    for packet in _packets(container, stream, request):
        for picture in _packet_pictures(packet, request, count):
            if picture.is_corrupt:
                _damage(request, count, "the decoder had to patch it up")
            yield picture
            count += 1


def _packets(container: Any, stream: Any, request: Request) -> Iterator[Any]:
    summed: bool | None = None if request.info.codec == "ffv1" else False
    packets = container.demux(stream)
    count = 0
    while (packet := _next_packet(packets, request.path)) is not None:
        if summed is not False and packet.size:
            holds = _ffv1.checksums_hold(bytes(packet))
            if summed is None:
                summed = holds
            elif not holds:
                _damage(request, count, "its checksum is wrong")
        yield packet
        count += 1


def _next_packet(packets: Iterator[Any], path: Path) -> Any:
    with reading(path):
        return next(packets, None)


def _packet_pictures(packet: Any, request: Request, count: int) -> list[Any]:
    try:
        return list(packet.decode())
    except av.FFmpegError as error:
        # A recording may start in the middle of a group of frames that need one another.
        if count:
            _damage(request, count, error.strerror or "cannot be decoded")
        return []


def _damage(request: Request, count: int, what: str) -> None:
    if request.damaged == "keep":
        return
    near = f"{request.start} + {count}" if request.start else str(count)
    raise DecodeError(f"{request.path}: near frame {near} the file is damaged: {what}")


def _deinterlaced(pictures: Iterator[Any], stream: Any) -> Iterator[Any]:
    graph = av.filter.Graph()
    nodes = [
        graph.add_buffer(template=stream),
        graph.add("bwdif", "mode=send_frame:deint=interlaced"),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    for picture in pictures:
        graph.vpush(picture)
        yield from _pulled(graph)
    graph.vpush(None)
    yield from _pulled(graph)


def _pulled(graph: Any) -> Iterator[Any]:
    while True:
        try:
            yield graph.vpull()
        except (av.BlockingIOError, av.EOFError):
            return


def _frame(picture: Any, number: int, request: Request) -> Frame:
    info = request.info
    _check_same(picture, number, request)
    luma, chroma, alpha = planes(picture)
    return Frame(number, _time(picture, number, info, request.index), luma, chroma, alpha)


def _check_same(picture: Any, number: int, request: Request) -> None:
    info, found = request.info, plane_format(picture, request.info.codec)
    if (picture.width, picture.height) != (info.width, info.height):
        raise DecodeError(
            f"{request.path}: the size changes at frame {number}, from "
            f"{info.width}x{info.height} to {picture.width}x{picture.height}"
        )
    if _layout(found) != _layout(info.format):
        raise DecodeError(
            f"{request.path}: the format changes at frame {number}, from {info.format} to {found}"
        )


def _layout(stored: PlaneFormat) -> tuple[object, ...]:
    return stored.bit_depth, stored.subsampling, stored.grey, stored.rgb, stored.alpha


def _time(picture: Any, number: int, info: VideoInfo, index: FrameIndex | None) -> Fraction:
    if index is None or picture.pts is None:
        return info.start_time + number / info.frame_rate
    time = Fraction(picture.pts * picture.time_base)
    if info.variable_rate:
        return time
    start = index.times[0] * info.time_base
    return on_grid(time, start, info.frame_rate, info.time_base)


def _ticks(picture: Any, request: Request) -> int:
    return round(picture.pts * picture.time_base / request.info.time_base)


def _check_end(number: int, last: Any, request: Request) -> None:
    index, expected = request.index, request.info.frame_count
    if last is None or (request.end or 0) > number:
        raise DecodeError(f"{request.path}: breaks off; there are only {number} frames")
    if index is None or not index.complete or last.pts is None:
        return
    # By its time, since not every packet need be a frame of its own.
    if _ticks(last, request) < index.times[-1]:
        raise DecodeError(f"{request.path}: breaks off after {number} of {expected} frames")
