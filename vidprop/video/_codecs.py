"""The encoders: which layouts each one takes, and its options in ffmpeg's words.

Layouts are those of ffmpeg's `-h encoder=NAME`, as far as they are planar and NUT, through
which they pass, knows them (it has no 4:4:0 of more than 8 bits).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from vidprop.errors import EncodeError, InputError

from .formats import SUBSAMPLINGS, PlaneFormat

_RATIOS = {name: ratio for ratio, name in SUBSAMPLINGS.items()}
_LAYOUT = re.compile(
    r"(?:yuv(?P<alpha>a?)(?P<j>j?)(?P<sub>4\d\d)p|(?P<grey>gray)|(?P<rgb>gbrp))(?P<bits>\d*)(?:le)?"
)
_PACKED = {
    "rgb24": "gbrp",
    "bgr24": "gbrp",
    "rgb48": "gbrp16",
    "rgb48le": "gbrp16",
    "gray8": "gray",
}

Options = Callable[["Quality"], list[str]]


@dataclass(frozen=True, slots=True)
class Quality:
    """What an encoder's options depend on."""

    format: PlaneFormat
    crf: int | None
    preset: str | None


@dataclass(frozen=True, slots=True)
class Codec:
    """One encoder.

    layouts: the names of the pixel formats it takes.
    crf: its usual constant quality; None if it has none.
    keeps_chroma: the layout follows the source; else it is 4:2:0 unless asked for.
    full_range: whether files of it can say that they are full range.
    even: whether subsampled sizes must be even.
    """

    name: str
    encoder: str
    layouts: frozenset[str]
    options: Options = field(repr=False)
    crf: int | None = None
    keeps_chroma: bool = False
    full_range: bool = True
    even: bool = False


def layout_name(stored: PlaneFormat) -> str:
    """ffmpeg's name of a planar layout."""
    bits = "" if stored.bit_depth == 8 else f"{stored.bit_depth}le"
    if stored.rgb:
        return f"gbrp{bits}"
    if stored.grey:
        return f"gray{bits}"
    return f"yuv{'a' if stored.alpha else ''}{SUBSAMPLINGS[stored.subsampling]}p{bits}"


def with_layout(stored: PlaneFormat, name: str) -> PlaneFormat:
    """`stored` in the layout of that name: `yuv422p10`, `gray16le`, `gbrp`, `rgb48`, ...

    Raises:
        InputError: no such layout, or none that files are written in.
    """
    match = _LAYOUT.fullmatch(_PACKED.get(name, name))
    if match is None or (match["sub"] or "444") not in _RATIOS:
        raise InputError(f"pixel format: {name} is not one that files are written in")
    is_rgb = bool(match["rgb"])
    return replace(
        stored,
        bit_depth=int(match["bits"] or 8),
        subsampling=_RATIOS[match["sub"] or "444"],
        grey=bool(match["grey"]),
        rgb=is_rgb,
        alpha=bool(match["alpha"]),
        full_range=stored.full_range or is_rgb or bool(match["j"]),
    )


def codec_named(name: str) -> Codec:
    """Look up a codec by our name or by its encoder's.

    Raises:
        EncodeError: there is none of that name.
    """
    name = name.lower()
    codec = CODECS.get(_ALIASES.get(name, name))
    if codec is None:
        raise EncodeError(f"codec: one of {', '.join(CODECS)}, got {name!r}")
    return codec


def _layouts(sampled: str, depths: tuple[int, ...], extra: str = "") -> frozenset[str]:
    bits = ["" if depth == 8 else f"{depth}le" for depth in depths]
    names = {f"yuv{sub}p{bit}" for sub in sampled.split() for bit in bits}
    return frozenset(names | {f"{name}{bit}" for name in extra.split() for bit in bits})


# Presets: a film in colour shares two cores with the work on it. At 1920x1080 the usual ones
# cost twice the time of these, for files of about the same size at such low crf.
def _h264(quality: Quality) -> list[str]:
    preset = ["-preset", quality.preset or "faster"]
    return [*preset, *(["-qp", "0"] if quality.crf == 0 else ["-crf", str(quality.crf)])]


def _hevc(quality: Quality) -> list[str]:
    return ["-preset", quality.preset or "superfast", "-crf", str(quality.crf)]


def _vp9(quality: Quality) -> list[str]:
    common = ["-b:v", "0", "-row-mt", "1", "-deadline", "good", "-cpu-used", quality.preset or "4"]
    return [*common, *(["-lossless", "1"] if quality.crf == 0 else ["-crf", str(quality.crf)])]


def _svt_av1(quality: Quality) -> list[str]:
    return ["-crf", str(quality.crf), "-preset", quality.preset or "8"]


def _aom_av1(quality: Quality) -> list[str]:
    speed = ["-cpu-used", quality.preset or "6", "-row-mt", "1"]
    return ["-crf", str(quality.crf), "-b:v", "0", *speed]


def _prores(quality: Quality) -> list[str]:
    four = quality.format.subsampling == (0, 0)
    return ["-profile:v", quality.preset or ("4" if four else "3"), "-vendor", "apl0"]


def _ffv1(_: Quality) -> list[str]:
    # What archives ask for: every frame whole in itself, with checksums.
    return ["-level", "3", "-g", "1", "-slicecrc", "1"]


def _mpeg2(quality: Quality) -> list[str]:
    return ["-q:v", quality.preset or "2", "-bf", "0"]


def _dnxhd(quality: Quality) -> list[str]:
    eight = "dnxhr_hq" if quality.format.bit_depth == 8 else "dnxhr_hqx"
    four = quality.format.subsampling == (0, 0)
    return ["-profile:v", quality.preset or ("dnxhr_444" if four else eight)]


_WIDE = (8, 10, 12)
CODECS: Mapping[str, Codec] = {
    codec.name: codec
    for codec in (
        Codec("h264", "libx264", _layouts("420 422 444", (8, 10), "gray"), _h264, 16, even=True),
        Codec("hevc", "libx265", _layouts("420 422 444", _WIDE, "gray"), _hevc, 18, even=True),
        Codec("vp9", "libvpx-vp9", _layouts("420 422 444", _WIDE) | {"yuv440p"}, _vp9, 20),
        Codec("av1", "libsvtav1", _layouts("420", (8, 10)), _svt_av1, 22, even=True),
        Codec("av1-aom", "libaom-av1", _layouts("420 422 444", _WIDE, "gray"), _aom_av1, 20),
        Codec(
            "prores",
            "prores_ks",
            frozenset({"yuv422p10le", "yuv444p10le", "yuva444p10le"}),
            _prores,
            keeps_chroma=True,
            full_range=False,
        ),
        Codec(
            "ffv1",
            "ffv1",
            _layouts("420 422 444", (8, 9, 10, 12, 14, 16), "gray")
            | _layouts("440 411 410", (8,))
            | frozenset({"gbrp9le", "gbrp10le", "gbrp12le", "gbrp14le", "gbrp16le"})
            | frozenset(f"yuva{s}p{b}" for s in (420, 422, 444) for b in ("", "10le", "16le")),
            _ffv1,
            keeps_chroma=True,
        ),
        Codec(
            "mpeg2",
            "mpeg2video",
            frozenset({"yuv420p", "yuv422p"}),
            _mpeg2,
            full_range=False,
            even=True,
        ),
        Codec(
            "dnxhd",
            "dnxhd",
            frozenset({"yuv422p", "yuv422p10le", "yuv444p10le"}),
            _dnxhd,
            keeps_chroma=True,
            full_range=False,
        ),
    )
}
_ALIASES = {
    "avc": "h264",
    "x264": "h264",
    "h265": "hevc",
    "x265": "hevc",
    "mpeg2video": "mpeg2",
    "dnxhr": "dnxhd",
} | {codec.encoder: codec.name for codec in CODECS.values()}
