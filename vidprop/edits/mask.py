"""The mask edit: how much of each pixel belongs to something, 0 to 1."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.errors import KeyFrameError

from .upsampling import reduce_plane, upsample

Array = NDArray[np.floating]


def painted_mask(image: NDArray[Any], height: int, width: int) -> Array:
    """Read a painted mask as [H, W] in 0..1.

    Args:
        image: grey [h, w], or R'G'B' [h, w, 3], of which the mean counts; with an alpha
            channel, [h, w, 2 or 4], the alpha is the mask. uint8, uint16, floats in 0..1.
    Raises:
        KeyFrameError: the picture is none of these, or has another shape than the clip.
    """
    array = image[..., None] if image.ndim == 2 else image
    if array.ndim != 3 or array.shape[2] not in (1, 2, 3, 4):
        raise KeyFrameError(f"mask: a picture [H, W, 1 to 4] is needed, got {image.shape}")
    if abs(array.shape[1] * height - array.shape[0] * width) > max(height, width, *array.shape):
        size = f"{array.shape[1]}x{array.shape[0]}"
        raise KeyFrameError(f"mask of {size} has another shape than the clip, {width}x{height}")
    whites = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}
    unit = np.clip(array.astype(np.float32) / whites.get(array.dtype, 1), 0, 1)
    mask = unit[..., -1] if array.shape[2] in (2, 4) else unit.mean(axis=2)
    shrink = mask.shape[0] >= height and mask.shape[1] >= width
    method = cv2.INTER_AREA if shrink else cv2.INTER_LINEAR
    return cv2.resize(mask, (width, height), interpolation=method)


def working_mask(mask: Array, height: int, width: int) -> Array:
    """The edit [1, h, w] that is propagated."""
    return reduce_plane(mask, height, width)[None]


def full_mask(edit: Array, luma: Array) -> Array:
    """The mask [H, W] in 0..1 at the size of `luma` [H, W], with the edges that it shows."""
    return np.clip(upsample(edit, luma)[0], 0, 1)


def mask_codes(mask: Array, bit_depth: int = 8) -> NDArray[np.unsignedinteger]:
    """0..1 as codes from 0 to 2**bit_depth - 1."""
    dtype = np.uint8 if bit_depth == 8 else np.uint16
    return np.floor(np.clip(mask, 0, 1) * (2**bit_depth - 1) + 0.5).astype(dtype)
