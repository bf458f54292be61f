"""A decoded PyAV frame as planes, without conversion wherever planes exist.

Packed and semi-planar layouts (rgb24, yuyv422, nv12, ...) are unpacked by ffmpeg's
scaler to the planar layout of the same depth and chroma, which moves samples and
changes none.
"""

import re
from functools import cache
from typing import Any

import numpy as np

from vidprop.errors import DecodeError

from . import _tags
from .conversion import from_rgb
from .formats import SUBSAMPLINGS, Plane, PlaneFormat

_YUV = re.compile(r"yuv(?P<alpha>a?)j?(?P<sub>4\d\d)p(?P<bits>\d*)(?P<order>le|be)?")
_GREY = re.compile(r"(?P<kind>gray|ya)(?P<bits>\d*)(?P<order>le|be)?")
_RGB = re.compile(r"gbr(?P<alpha>a?)p(?P<bits>\d*)(?P<order>le|be)?")
_RATIOS = {name: ratio for ratio, name in SUBSAMPLINGS.items()}
_RGB_DEPTHS = (8, 10, 12, 14, 16)

# Stills hold full-range samples, and so does what older encoders called yuvj.
_RGB_CODECS = {"png", "tiff", "bmp", "targa", "dpx"}
_FULL_RANGE_CODECS = _RGB_CODECS | {"mjpeg", "webp", "jpeg2000", "jpegxl"}


def plane_format(frame: Any, codec: str) -> PlaneFormat:
    """The format in which `planes` returns this `av.VideoFrame` of `codec`.

    Raises:
        DecodeError: its samples are not integers, or not YCbCr, RGB or grey.
    """
    layout, depth = frame.format.name, 0
    match = _match(planar_name(frame.format))
    depth = int(match["bits"] or 8)
    rgb = match.re is _RGB
    return PlaneFormat(
        bit_depth=depth,
        subsampling=_RATIOS[match["sub"]] if match.re is _YUV else (0, 0),
        grey=match.re is _GREY,
        full_range=rgb or _is_full(frame, layout, codec),
        matrix="bt709" if rgb else _matrix(frame, match.re is _GREY, codec),
        primaries=_tags.name_of(_tags.PRIMARIES, frame.color_primaries),
        transfer=_tags.name_of(_tags.TRANSFERS, frame.color_trc),
        rgb=rgb,
        alpha=match["kind"] == "ya" if match.re is _GREY else bool(match["alpha"]),
    )


def planes(frame: Any) -> tuple[Plane, Plane | None, Plane | None]:
    """Luma, chroma and opacity of an `av.VideoFrame`, copied."""
    name = planar_name(frame.format)
    if name != frame.format.name:
        frame = frame.reformat(format=name)
    match = _match(name)
    dtype = _dtype(match)
    if match.re is _GREY:
        return _grey(frame, dtype, has_alpha=match["kind"] == "ya")
    alpha = _plane(frame, 3, dtype) if match["alpha"] else None
    if match.re is _RGB:
        green, blue, red = (_plane(frame, k, dtype) for k in range(3))
        return *from_rgb(np.stack([red, green, blue], axis=2), int(match["bits"] or 8)), alpha
    return _plane(frame, 0, dtype), np.stack([_plane(frame, k, dtype) for k in (1, 2)]), alpha


@cache
def _match(name: str) -> re.Match[str]:
    for pattern in (_YUV, _GREY, _RGB):
        match = pattern.fullmatch(name)
        if match and 8 <= int(match["bits"] or 8) <= 16:
            return match
    raise DecodeError(f"pixel format {name}: only YCbCr, RGB and grey of 8 to 16 bits are read")


def planar_name(layout: Any) -> str:
    """The planar layout that holds the samples of an `av.VideoFormat`."""
    name: str = layout.name
    if name in ("monow", "monob"):
        return "gray"
    if name == "pal8":
        return "gbrp"
    if any(pattern.fullmatch(name) for pattern in (_YUV, _GREY, _RGB)):
        return name
    if name.startswith(("bayer", "xyz")) or re.search(r"f(16|32)", name):
        return name
    depth = max(component.bits for component in layout.components)
    return _rgb_name(layout, depth) if layout.is_rgb else _yuv_name(layout, depth)


def _rgb_name(layout: Any, depth: int) -> str:
    alpha = "a" if any(component.is_alpha for component in layout.components) else ""
    stored = next(d for d in _RGB_DEPTHS if d >= depth)
    return f"gbr{alpha}p" + ("" if stored == 8 else f"{stored}le")


def _yuv_name(layout: Any, depth: int) -> str:
    across = (64 // layout.chroma_width(64)).bit_length() - 1
    down = (64 // layout.chroma_height(64)).bit_length() - 1
    alpha = "a" if any(component.is_alpha for component in layout.components) else ""
    return f"yuv{alpha}{SUBSAMPLINGS[across, down]}p" + ("" if depth == 8 else f"{depth}le")


def _matrix(frame: Any, grey: bool, codec: str) -> str:
    name = _tags.name_of(_tags.MATRICES, frame.colorspace)
    # Grey stills belong with those in RGB; PNG says so, TIFF says nothing.
    return "bt709" if grey and name in ("gbr", _tags.UNKNOWN) and codec in _RGB_CODECS else name


def _is_full(frame: Any, layout: str, codec: str) -> bool:
    if frame.color_range in (_tags.LIMITED_RANGE, _tags.FULL_RANGE):
        return bool(frame.color_range == _tags.FULL_RANGE)
    return layout.startswith("yuvj") or codec in _FULL_RANGE_CODECS


def _dtype(match: re.Match[str]) -> np.dtype[Any]:
    if int(match["bits"] or 8) == 8:
        return np.dtype(np.uint8)
    return np.dtype(">u2" if match["order"] == "be" else "<u2")


def _grey(frame: Any, dtype: np.dtype[Any], *, has_alpha: bool) -> tuple[Plane, None, Plane | None]:
    if not has_alpha:
        return _plane(frame, 0, dtype), None, None
    both = _plane(frame, 0, dtype, samples=2)
    return both[:, ::2].copy(), None, both[:, 1::2].copy()


def _plane(frame: Any, index: int, dtype: np.dtype[Any], samples: int = 1) -> Plane:
    plane = frame.planes[index]
    if plane.line_size < 0:
        raise DecodeError(f"{frame.format.name}: rows stored bottom up are not read")
    rows = np.frombuffer(plane, dtype).reshape(-1, plane.line_size // dtype.itemsize)
    native = np.uint8 if dtype.itemsize == 1 else np.uint16
    return rows[: plane.height, : plane.width * samples].astype(native)
