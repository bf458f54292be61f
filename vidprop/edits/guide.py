"""The luma of a frame at the size networks work at."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.color.quantisation import dequantise_luma
from vidprop.errors import InputError

# Networks halve their input four times.
MULTIPLE = 16
SMALLEST_CLIP_SIDE = 16


def working_size(height: int, width: int, short_side: int) -> tuple[int, int]:
    """Height and width for a clip: `short_side` lines or, in an upright clip, columns.

    Both are rounded to multiples of 16, and are no larger than the clip unless that
    is smaller than 32.

    Raises:
        InputError: the clip or `short_side` is too small.
    """
    if min(height, width) < SMALLEST_CLIP_SIDE:
        raise InputError(
            f"the clip is {width}x{height}: at least "
            f"{SMALLEST_CLIP_SIDE}x{SMALLEST_CLIP_SIDE} pixels are needed"
        )
    if short_side < 2 * MULTIPLE:
        raise InputError(f"size: at least {2 * MULTIPLE}, got {short_side}")
    scale = min(1.0, short_side / min(height, width))
    rounded = [max(2, round(side * scale / MULTIPLE)) * MULTIPLE for side in (height, width)]
    return rounded[0], rounded[1]


def working_guide(
    luma: NDArray[np.generic], bit_depth: int, full_range: bool, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Luma [H, W] as 8-bit guide [h, w]: black is 0, white is 255, no foot- or headroom.

    Args:
        luma: codes or, if floating, 0..1.
    """
    height, width = size
    small = cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA)
    floating = np.issubdtype(luma.dtype, np.floating)
    unit = small if floating else dequantise_luma(small, bit_depth, full_range)
    return np.rint(np.clip(unit, 0, 1) * 255).astype(np.uint8)


def unit_guide(guide: NDArray[np.uint8]) -> NDArray[np.float32]:
    """An 8-bit guide as float32 in 0..1."""
    return guide.astype(np.float32) / np.float32(255)
