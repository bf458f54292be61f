"""The containers written: what each can hold, and what it holds unless told otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vidprop.errors import EncodeError

from .formats import PlaneFormat

_EVERYDAY = ("h264", "hevc", "av1", "av1-aom", "vp9", "mpeg2")
_LOSSLESS = {"ffv1", "huffyuv", "ffvhuff", "utvideo", "rawvideo", "lagarith", "magicyuv", "v210"}


@dataclass(frozen=True, slots=True)
class Container:
    """One container.

    muxer: ffmpeg's name.
    codecs: those it can hold, by our names.
    variable_rate: whether frames can be shown at any time.
    rotation: whether it can say that a player turns the picture.
    audio: what audio becomes that it cannot hold; "" if it holds any.
    text: what subtitles made of text become; "" if it holds none.
    """

    muxer: str
    codecs: tuple[str, ...]
    variable_rate: bool = True
    rotation: bool = False
    audio: str = ""
    text: str = ""


CONTAINERS: Mapping[str, Container] = {
    ".mp4": Container("mp4", (*_EVERYDAY, "ffv1"), rotation=True, audio="aac", text="mov_text"),
    ".m4v": Container("mp4", _EVERYDAY, rotation=True, audio="aac", text="mov_text"),
    ".mov": Container(
        "mov", (*_EVERYDAY, "prores", "dnxhd"), rotation=True, audio="aac", text="mov_text"
    ),
    ".mkv": Container("matroska", (*_EVERYDAY, "ffv1", "prores"), rotation=True, text="srt"),
    ".webm": Container("webm", ("vp9", "av1", "av1-aom"), audio="libopus", text="webvtt"),
    ".avi": Container("avi", ("h264", "ffv1", "mpeg2"), variable_rate=False, audio="pcm_s16le"),
    ".mxf": Container(
        "mxf", ("mpeg2", "dnxhd", "prores", "h264"), variable_rate=False, audio="pcm_s24le"
    ),
}


def container_of(path: Path) -> Container:
    """The container a name's suffix asks for.

    Raises:
        EncodeError: none has that suffix.
    """
    container = CONTAINERS.get(path.suffix.lower())
    if container is None:
        known = ", ".join(CONTAINERS)
        raise EncodeError(
            f"{path}: videos are written as {known}, got {path.suffix or 'no suffix'}"
        )
    return container


def usual_codec(path: Path, stored: PlaneFormat, source_codec: str) -> str:
    """What a container holds unless told otherwise.

    ProRes stays ProRes in mov and mxf, FFV1 stays FFV1 in mkv, what is lossless stays
    lossless in avi. Else 8 bits become H.264 and more become HEVC where they can.
    """
    suffix, deep = path.suffix.lower(), stored.bit_depth > 8
    if suffix == ".webm":
        return "vp9"
    if source_codec == "prores" and suffix in (".mov", ".mxf"):
        return "prores"
    if suffix == ".mxf":
        return "dnxhd" if deep else "mpeg2"
    if suffix == ".avi":
        return "ffv1" if deep or source_codec in _LOSSLESS else "h264"
    if suffix == ".mkv" and source_codec == "ffv1":
        return "ffv1"
    return "hevc" if deep else "h264"
