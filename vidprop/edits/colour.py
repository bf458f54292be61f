"""The colour edit: a frame's luma is the guide, its chroma planes are what is propagated.

Chroma is Cb and Cr in [-0.5, 0.5] by the clip's own matrix, so nothing is converted
between decoder and encoder, and luma codes pass through untouched.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.color.matrices import MatrixName, rgb_to_ycbcr
from vidprop.color.quantisation import (
    quantise_chroma,
)
from vidprop.errors import KeyFrameError

from .upsampling import reduce_plane

Array = NDArray[np.floating]
Codes = NDArray[np.unsignedinteger]

# Pictures with less contrast correlate by chance.
_FLAT_DEVIATION = 0.02


@dataclass(frozen=True, slots=True)
class PaintedKey:
    """A painted picture in a clip's own terms, all float32.

    luma: [H, W] in 0..1; compared with the frame's, never written.
    chroma: [2, H, W] in [-0.5, 0.5].
    coverage: [H, W] in 0..1, the picture's opacity.
    """

    luma: Array
    chroma: Array
    coverage: Array

    @property
    def partial(self) -> bool:
        """Whether some of the picture is transparent."""
        return bool(self.coverage.min() < 1)


def painted_key(
    image: NDArray[np.generic], height: int, width: int, matrix: MatrixName = "bt709"
) -> PaintedKey:
    """Read a painted picture as a key frame of a clip of `height` x `width`.

    Args:
        image: R'G'B' [h, w, 3], R'G'B'A [h, w, 4], grey [h, w] or [h, w, 1 or 2];
            uint8, uint16, or floats in 0..1. Of another size than the clip it is resized.
        matrix: the clip's.
    Raises:
        KeyFrameError: the picture's shape does not fit.
    """
    rgb, coverage = _rgb_and_opacity(image)
    _check_aspect(rgb.shape[:2], height, width)
    rgb, coverage = _resized(rgb, height, width), _resized(coverage, height, width)
    luma, *chroma = (np.ascontiguousarray(c) for c in rgb_to_ycbcr(rgb, matrix).transpose(2, 0, 1))
    return PaintedKey(luma, np.stack(chroma), coverage)


def working_edit(key: PaintedKey, height: int, width: int) -> tuple[Array, Array]:
    """The key's chroma [2, h, w] at the size networks work at, and its coverage [1, h, w]."""
    coverage = reduce_plane(key.coverage, height, width)
    if not key.partial:
        chroma = np.stack([reduce_plane(plane, height, width) for plane in key.chroma])
        return chroma, np.ones((1, height, width), np.float32)
    weighted = [reduce_plane(plane * key.coverage, height, width) for plane in key.chroma]
    chroma = np.stack(weighted) / np.maximum(coverage, 1e-6)
    return chroma.astype(np.float32), coverage[None]


def over(key: PaintedKey, chroma: Array) -> Array:
    """Lay the key's own chroma over planes [2, h, w], by its coverage."""
    height, width = chroma.shape[1:]
    painted, coverage = working_edit(key, height, width)
    return painted if not key.partial else chroma + coverage * (painted - chroma)


def chroma_codes(chroma: Array, bit_depth: int, full_range: bool) -> Codes:
    """Round chroma to codes, halves away from zero."""
    return quantise_chroma(chroma, bit_depth, full_range)


def likeness(one: Array, other: Array, lines: int = 64) -> float:
    """How alike two luma pictures are: their correlation, 1 for the same up to contrast.

    Both are reduced to `lines` first: with few, grain and small shifts do not count.
    Two pictures without contrast are compared by their brightness.
    """
    small = [_small(picture, lines) for picture in (one, other)]
    deviations = [float(picture.std()) for picture in small]
    if max(deviations) < _FLAT_DEVIATION:
        return 1 - abs(float(small[0].mean() - small[1].mean()))
    if min(deviations) < 1e-4:
        return 0.0
    centred = [picture - picture.mean() for picture in small]
    return float((centred[0] * centred[1]).mean() / (deviations[0] * deviations[1]))


def _small(picture: Array, lines: int) -> Array:
    height, width = picture.shape
    scale = min(1.0, lines / min(height, width))
    return reduce_plane(picture, max(1, round(height * scale)), max(1, round(width * scale)))


def _rgb_and_opacity(image: NDArray[np.generic]) -> tuple[Array, Array]:
    array = image[..., None] if image.ndim == 2 else image
    if array.ndim != 3 or array.shape[2] not in (1, 2, 3, 4):
        raise KeyFrameError(f"key frame: a picture [H, W, 1 to 4] is needed, got {image.shape}")
    unit = _unit(array)
    opaque = np.ones(array.shape[:2], np.float32)
    coverage = unit[..., -1] if array.shape[2] in (2, 4) else opaque
    colours = unit[..., :3] if array.shape[2] >= 3 else np.repeat(unit[..., :1], 3, axis=2)
    return np.ascontiguousarray(colours), np.ascontiguousarray(coverage)


def _unit(array: NDArray[np.generic]) -> Array:
    whites = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}
    return np.clip(array.astype(np.float32) / whites.get(array.dtype, 1), 0, 1)


def _check_aspect(shape: tuple[int, ...], height: int, width: int) -> None:
    # A picture scaled to whole pixels may be off by one.
    if abs(shape[1] * height - shape[0] * width) > max(height, width, *shape):
        raise KeyFrameError(
            f"key frame of {shape[1]}x{shape[0]} has another shape than the clip, {width}x{height}"
        )


def _resized(image: Array, height: int, width: int) -> Array:
    if image.shape[:2] == (height, width):
        return image
    shrink = image.shape[0] >= height and image.shape[1] >= width
    method = cv2.INTER_AREA if shrink else cv2.INTER_CUBIC
    return cv2.resize(image, (width, height), interpolation=method)
