"""Sparse hints: where a user would give the edit, and the maps that the spatial network reads.

A position is (y, x) in pixels of the frame; a map is at half the frame's size, h = ceil(H / 2),
w = ceil(W / 2), so that one cell holds up to four pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.color.matrices import rgb_to_ycbcr
from vidprop.errors import InputError

Array = NDArray[Any]
Size = tuple[int, ...]
"""Height and width of the frame."""
DECK_DENSITY = 300 / (256 * 512)
"""Hints a pixel in the deck's example: 300 on a frame of 256x512."""


@dataclass(frozen=True)
class Hint:
    """A colour that a user gives at one pixel: R'G'B' (BT.709), 0..1."""

    frame: int
    x: int
    y: int
    colour: tuple[float, float, float]


@dataclass(frozen=True)
class HintMaps:
    """`edit` [C, h, w], 0 where nothing is given, and `mask` [1, h, w], 0..1; both float32."""

    edit: Array
    mask: Array


def superpixel_positions(luma: Array, count: int, rng: np.random.Generator) -> Array:
    """One random pixel of each of about `count` superpixels (SLIC) of `luma` [H, W], 0..1.

    Returns:
        [M, 2] of (y, x), M near `count`.
    Source: Achanta et al., SLIC Superpixels, 2012; used so in the deck of Liu et al., 2018.
    """
    from skimage.segmentation import slic

    _check_count(count)
    labels = slic(luma, n_segments=count, compactness=0.2, channel_axis=None, start_label=0)
    order = rng.permutation(labels.size)
    _, first = np.unique(labels.ravel()[order], return_index=True)
    return np.stack(np.unravel_index(order[first], labels.shape), 1)


def grid_positions(size: Size, count: int, rng: np.random.Generator) -> Array:
    """One random pixel of each cell of a grid of about `count` cells: [M, 2] of (y, x)."""
    _check_count(count)
    height, width = size
    side = max(1.0, (height * width / count) ** 0.5)
    rows, columns = max(1, round(height / side)), max(1, round(width / side))
    cells = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), -1)
    places = (cells.reshape(-1, 2) + rng.random((rows * columns, 2))) / (rows, columns)
    return (places * size).astype(np.int64)


def scribble_positions(size: Size, count: int, rng: np.random.Generator) -> Array:
    """The pixels of `count` thin strokes, 1 to 3 pixels wide, that wander: [M, 2] of (y, x)."""
    _check_count(count)
    canvas = np.zeros(size, np.uint8)
    for _ in range(count):
        cv2.polylines(canvas, [_stroke(size, rng)], False, 1, int(rng.integers(1, 4)))
    return np.argwhere(canvas)


def _stroke(size: Size, rng: np.random.Generator) -> Array:
    """Corners of a path of slowly turning steps: [8, 1, 2] of (x, y)."""
    height, width = size
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.5, 8))
    steps = np.stack([np.cos(heading), np.sin(heading)], 1) * rng.uniform(0.005, 0.03) * width
    path = rng.uniform(0, (width, height)) + np.cumsum(steps, 0)
    return path.round().astype(np.int32)[:, None]


def painted_area(size: Size, rng: np.random.Generator) -> Array:
    """The alpha of a frame that is painted in part: [H, W], float32, soft-edged blobs, 0..1."""
    coarse = rng.normal(size=(4, 5)).astype(np.float32)
    smooth = cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip((smooth - rng.uniform(0.0, 1.0)) * 8, 0, 1)


def point_maps(positions: Array, values: Array, height: int, width: int) -> HintMaps:
    """The mean in each cell of `values` [M, C] given at `positions` [M, 2].

    Raises:
        InputError: a position lies outside the frame, or the two have not one length.
    """
    if len(positions) != len(values):
        raise InputError(f"values must be one a position, {len(positions)}, not {len(values)}")
    outside = ((positions < 0) | (positions >= (height, width))).any(1)
    if outside.any():
        y, x = positions[outside][0]
        raise InputError(f"hint x={x} y={y} is outside the frame of {width}x{height}")
    cells = positions // 2
    sums = np.zeros(((height + 1) // 2, (width + 1) // 2, values.shape[1] + 1), np.float32)
    np.add.at(sums, (cells[:, 0], cells[:, 1]), np.pad(values, ((0, 0), (0, 1)), constant_values=1))
    return _divided(sums, np.minimum(sums[..., -1:], 1))


def painted_maps(values: Array, alpha: Array) -> HintMaps:
    """A partly painted frame: `values` [H, W, C] weighted by `alpha` [H, W], 0..1."""
    if values.shape[:2] != alpha.shape:
        raise InputError(f"alpha must be {values.shape[:2]}, not {alpha.shape}")
    weighted = np.concatenate([values * alpha[..., None], alpha[..., None]], 2, dtype=np.float32)
    even = np.pad(weighted, ((0, alpha.shape[0] % 2), (0, alpha.shape[1] % 2), (0, 0)), "edge")
    sums = even[0::2, 0::2] + even[1::2, 0::2] + even[0::2, 1::2] + even[1::2, 1::2]
    return _divided(sums, sums[..., -1:] / 4)


def hint_maps(hints: Sequence[Hint], frame: int, height: int, width: int) -> HintMaps:
    """The chroma (Cb, Cr, -0.5..0.5) of those `hints` that belong to `frame`."""
    given = [hint for hint in hints if hint.frame == frame]
    positions = np.array([(hint.y, hint.x) for hint in given], np.int64).reshape(-1, 2)
    colours = np.array([hint.colour for hint in given]).reshape(-1, 3)
    chroma = rgb_to_ycbcr(colours)[:, 1:]
    return point_maps(positions, chroma, height, width)


def _divided(sums: Array, mask: Array) -> HintMaps:
    """Maps from the sums a cell holds of [values, weight]."""
    weight = sums[..., -1:]
    edit = np.divide(sums[..., :-1], weight, out=np.zeros_like(sums[..., :-1]), where=weight > 0)
    return HintMaps(
        np.ascontiguousarray(edit.transpose(2, 0, 1)), np.ascontiguousarray(mask.transpose(2, 0, 1))
    )


def _check_count(count: int) -> None:
    if count < 1:
        raise InputError(f"count must be 1 or more, not {count}")
