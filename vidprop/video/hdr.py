"""Ready encodings for HDR video: HDR10 and HLG.

Source: ITU-R BT.2100-2; CTA-861.3-A (HDR10's static metadata); SMPTE ST 2086.
"""

from .encoding import Encoding
from .formats import PlaneFormat
from .mastering import ContentLight, LightMeter, Mastering

HDR10_FORMAT = PlaneFormat(
    bit_depth=10,
    subsampling=(1, 1),
    matrix="bt2020nc",
    primaries="bt2020",
    transfer="smpte2084",
    chroma_location="topleft",
)
HLG_FORMAT = PlaneFormat(
    bit_depth=10,
    subsampling=(1, 1),
    matrix="bt2020nc",
    primaries="bt2020",
    transfer="arib-std-b67",
    chroma_location="topleft",
)


def hdr10_encoding(
    light: ContentLight,
    mastering: Mastering | None = None,
    *,
    crf: int = 16,
    preset: str | None = None,
) -> Encoding:
    """HEVC Main 10, PQ, BT.2020, limited range, tagged hvc1 in mp4 and mov.

    Args:
        light: measured with `LightMeter` over all the frames: PQ frames of `HDR10_FORMAT`
            are written after it is known.
        mastering: a P3 display of 1000 cd/m2 unless given.
    """
    return Encoding("hevc", HDR10_FORMAT, crf, preset, mastering or Mastering(), light)


def hlg_encoding(*, crf: int = 16, preset: str | None = None) -> Encoding:
    """HEVC Main 10, HLG, BT.2020, limited range; no metadata is needed."""
    return Encoding("hevc", HLG_FORMAT, crf, preset)


__all__ = [
    "HDR10_FORMAT",
    "HLG_FORMAT",
    "ContentLight",
    "LightMeter",
    "Mastering",
    "hdr10_encoding",
    "hlg_encoding",
]
