"""Frames of an image sequence, each file decoded by PyAV, EXR by its own library.

JPEG and the like give their own YCbCr planes, PNG and TIFF grey or RGB samples.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from vidprop.errors import DecodeError

from . import _half
from ._container import open_media, reading, video_stream
from ._cut import is_cut
from ._native import plane_format, planes
from .conversion import from_rgb
from .exr import read_exr
from .formats import Frame, PlaneFormat, VideoInfo

STILL_RATE = Fraction(24)


def describe(files: list[Path], first_number: int | None, rate: Fraction | None) -> VideoInfo:
    """What a sequence is, by its first file; pictures have no rate of their own.

    Raises:
        DecodeError: the first file is no picture.
    """
    frame, stored = _read(files[0], 0, Fraction(0))
    height, width = frame.luma.shape
    frame_rate = rate or STILL_RATE
    return VideoInfo(
        width=width,
        height=height,
        format=stored,
        frame_rate=frame_rate,
        time_base=1 / frame_rate,
        frame_count=len(files),
        frame_count_exact=True,
        duration=len(files) / frame_rate,
        first_number=first_number,
        codec=files[0].suffix.lower().lstrip("."),
        container="images",
        path=files[0],
    )


def read_stills(files: list[Path], info: VideoInfo, start: int, end: int | None) -> Iterator[Frame]:
    """Frames of the files from `start` until before `end`.

    Raises:
        DecodeError: a file is no picture, or of another size or format than the first.
    """
    for index in range(start, len(files) if end is None else end):
        frame, stored = _read(files[index], index, index / info.frame_rate)
        _check_same(frame, stored, info, files[index])
        yield frame


def _read(path: Path, index: int, time: Fraction) -> tuple[Frame, PlaneFormat]:
    if path.suffix.lower() == ".exr":
        return _read_exr(path, index, time)
    with open_media(path) as container:
        stream = video_stream(container, path)
        picture = _first_picture(container, stream, path)
        stored = plane_format(picture, stream.codec_context.codec.canonical_name)
        return Frame(index, time, *planes(picture)), stored


def _first_picture(container: Any, stream: Any, path: Path) -> Any:
    with reading(path):
        picture = next(container.decode(stream), None)
    if picture is None or picture.is_corrupt or is_cut(path):
        raise DecodeError(f"{path}: the picture is damaged")
    return picture


def _read_exr(path: Path, index: int, time: Fraction) -> tuple[Frame, PlaneFormat]:
    image = read_exr(path)
    grey = image.pixels.ndim == 2
    stored = PlaneFormat(16, grey=grey, rgb=not grey, full_range=True, transfer=_half.TRANSFER)
    codes = _half.to_codes(image.pixels)
    luma, chroma = (codes, None) if grey else from_rgb(codes, 16)
    return Frame(index, time, luma, chroma), stored


def _check_same(frame: Frame, stored: PlaneFormat, info: VideoInfo, path: Path) -> None:
    height, width = frame.luma.shape
    if (width, height) != (info.width, info.height):
        raise DecodeError(
            f"{path}: the size changes here, from {info.width}x{info.height} to {width}x{height}"
        )
    if stored != info.format:
        raise DecodeError(f"{path}: the format changes here, from {info.format} to {stored}")
