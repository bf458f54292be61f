"""Between real-valued YCbCr or RGB and the integer codes a video file stores.

Formulas: ITU-T H.273 (2024) 8.3, which agrees with BT.709-6 3.4 and BT.2100-2
table 9 for limited range.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidprop.errors import InputError

from .matrices import as_float

Array = NDArray[Any]


def quantise_luma(luma: Any, bit_depth: int, full_range: bool) -> Array:
    """Y' (or R', G', B') in [0, 1] as codes: uint8 at 8 bits, else uint16.

    Values outside are kept as foot- and headroom in limited range, then clipped
    to [0, 2**bit_depth - 1]. NaN is not allowed.

    Raises:
        InputError: `bit_depth` is not within 8..16.
    """
    scale, offset = _luma_scale(bit_depth, full_range)
    return _codes(as_float(luma) * scale + offset, bit_depth)


def quantise_chroma(chroma: Any, bit_depth: int, full_range: bool) -> Array:
    """Cb or Cr in [-0.5, 0.5] as codes; zero becomes 2**(bit_depth - 1)."""
    scale, offset = _chroma_scale(bit_depth, full_range)
    return _codes(as_float(chroma) * scale + offset, bit_depth)


def dequantise_luma(codes: Any, bit_depth: int, full_range: bool) -> Array:
    """Codes as Y' with black at 0 and white at 1, float32."""
    scale, offset = _luma_scale(bit_depth, full_range)
    return (np.asarray(codes, np.float32) - np.float32(offset)) / np.float32(scale)


def dequantise_chroma(codes: Any, bit_depth: int, full_range: bool) -> Array:
    """Codes as Cb or Cr in about [-0.5, 0.5], float32."""
    scale, offset = _chroma_scale(bit_depth, full_range)
    return (np.asarray(codes, np.float32) - np.float32(offset)) / np.float32(scale)


def quantise(ycbcr: Any, bit_depth: int, full_range: bool) -> Array:
    """YCbCr [..., 3] as codes [..., 3]: luma first, then the two chroma channels."""
    values = _three_channels(ycbcr)
    luma = quantise_luma(values[..., :1], bit_depth, full_range)
    return np.concatenate([luma, quantise_chroma(values[..., 1:], bit_depth, full_range)], axis=-1)


def dequantise(codes: Any, bit_depth: int, full_range: bool) -> Array:
    """Codes [..., 3] as YCbCr [..., 3], float32: the inverse of `quantise`."""
    values = _three_channels(codes)
    luma = dequantise_luma(values[..., :1], bit_depth, full_range)
    return np.concatenate(
        [luma, dequantise_chroma(values[..., 1:], bit_depth, full_range)], axis=-1
    )


def _luma_scale(bit_depth: int, full_range: bool) -> tuple[float, float]:
    _check_depth(bit_depth)
    if full_range:
        return float(2**bit_depth - 1), 0.0
    return 219.0 * 2 ** (bit_depth - 8), 16.0 * 2 ** (bit_depth - 8)


def _chroma_scale(bit_depth: int, full_range: bool) -> tuple[float, float]:
    _check_depth(bit_depth)
    scale = 2**bit_depth - 1 if full_range else 224 * 2 ** (bit_depth - 8)
    return float(scale), float(2 ** (bit_depth - 1))


def _check_depth(bit_depth: int) -> None:
    if not 8 <= bit_depth <= 16:
        raise InputError(f"bit_depth: 8 to 16 bits are supported, got {bit_depth}")


def _codes(values: Array, bit_depth: int) -> Array:
    # H.273 rounds halves away from zero; codes are not negative, so floor(v + 0.5) does.
    rounded = np.floor(np.clip(values, 0, 2**bit_depth - 1) + 0.5)
    return rounded.astype(np.uint8 if bit_depth == 8 else np.uint16)


def _three_channels(values: Any) -> Array:
    array = np.asarray(values)
    if array.ndim == 0 or array.shape[-1] != 3:
        raise InputError(f"values: three channels last are needed, got shape {array.shape}")
    return array
