"""What a video file is: its header, the times of its packets and its first frames."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from vidprop.errors import DecodeError

from ._container import open_media, reading, use_threads, video_stream
from ._index import FrameIndex, read_index
from ._native import plane_format
from ._rate import STANDARD_RATE, constant_rate, mean_rate
from .formats import VideoInfo

# Interlaced films often start with some frames, a title, that are not marked so.
_FRAMES_LOOKED_AT = 6


@dataclass(frozen=True, slots=True)
class Probe:
    """A file's description, and the index it was made from."""

    info: VideoInfo
    index: FrameIndex | None


def probe(path: Path) -> Probe:
    """Describe a video file.

    Raises:
        DecodeError: the file is missing, empty, no media file, without video or frames,
            cut short, or its first frame cannot be decoded.
    """
    index = read_index(path)
    with open_media(path) as container:
        stream = video_stream(container, path)
        frames = _first_frames(container, stream, path)
        if index is not None:
            index = index.starting_at(frames[0].pts)
        info = _describe(container, stream, frames, index, path)
    return Probe(info, index)


def start_of(path: Path) -> Fraction:
    """What a file's clock shows when it starts.

    Raises:
        DecodeError: the file cannot be read.
    """
    with open_media(path) as container:
        return _start_time(container)


def _first_frames(container: Any, stream: Any, path: Path) -> list[Any]:
    use_threads(stream)
    frames: list[Any] = []
    with reading(path):
        for packet in container.demux(stream):
            frames += _decoded(packet)
            if len(frames) >= _FRAMES_LOOKED_AT:
                break
    if not frames:
        raise DecodeError(f"{path}: there is no frame in it that can be decoded")
    return frames


def _decoded(packet: Any) -> list[Any]:
    """A recording may start in the middle of a group; what cannot be decoded is skipped."""
    try:
        return list(packet.decode())
    except av.FFmpegError:
        return []


def _describe(
    container: Any, stream: Any, frames: list[Any], index: FrameIndex | None, path: Path
) -> VideoInfo:
    first, context = frames[0], stream.codec_context
    rate, variable = _rate(stream, index)
    count, exact = _count(stream, index, rate)
    return VideoInfo(
        width=first.width,
        height=first.height,
        format=plane_format(first, context.codec.canonical_name),
        frame_rate=rate,
        time_base=stream.time_base,
        variable_rate=variable,
        frame_count=count,
        frame_count_exact=exact,
        start_time=_start_time(container),
        duration=_duration(stream, index, count, rate, variable),
        rotation=int(first.rotation) % 360,
        sample_aspect=stream.sample_aspect_ratio or Fraction(1),
        interlaced=any(frame.interlaced_frame for frame in frames),
        codec=context.codec.canonical_name,
        container=container.format.name,
        timecode=_timecode(container),
        has_audio=bool(container.streams.audio),
        path=path,
    )


def _rate(stream: Any, index: FrameIndex | None) -> tuple[Fraction, bool]:
    said = [stream.average_rate, stream.guessed_rate, stream.base_rate]
    fallback = next((rate for rate in said if rate), STANDARD_RATE)
    if index is None:
        return fallback, False
    rate = constant_rate(index.times, stream.time_base, said)
    if rate is not None:
        return rate, False
    return mean_rate(index.times, stream.time_base) or fallback, True


def _count(stream: Any, index: FrameIndex | None, rate: Fraction) -> tuple[int | None, bool]:
    if index is not None and index.complete:
        return len(index.times), True
    if stream.frames:
        return stream.frames, False
    seconds = _said_duration(stream)
    return (None, False) if seconds is None else (max(1, round(seconds * rate)), False)


def _duration(
    stream: Any, index: FrameIndex | None, count: int | None, rate: Fraction, variable: bool
) -> Fraction | None:
    if index is not None and index.complete and variable:
        return Fraction((index.times[-1] - index.times[0]) * stream.time_base) + 1 / rate
    return count / rate if count else _said_duration(stream)


def _said_duration(stream: Any) -> Fraction | None:
    if stream.duration:
        return Fraction(stream.duration * stream.time_base)
    whole = stream.container.duration
    return None if whole is None else Fraction(whole, 1_000_000)


def _start_time(container: Any) -> Fraction:
    """When the first of the streams starts, exactly; the container's own is in microseconds."""
    rough = Fraction(container.start_time or 0, 1_000_000)
    starts = [s.start_time * s.time_base for s in container.streams if s.start_time is not None]
    near = [Fraction(start) for start in starts if abs(start - rough) <= Fraction(1, 1_000_000)]
    return min(near, default=rough)


def _timecode(container: Any) -> str | None:
    for holder in (container, *container.streams):
        if "timecode" in holder.metadata:
            return str(holder.metadata["timecode"])
    return None
