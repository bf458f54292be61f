"""Planes of one format as planes of another: depth, range, chroma size, RGB.

Used only where a file cannot hold a format as it is, or was asked to hold another one.
Whenever the target has at least as many luma codes as the source, luma comes back
exactly on the way home.
"""

from dataclasses import replace
from functools import cache, reduce

import numpy as np
from numpy.typing import NDArray

from vidprop.color.matrices import MatrixName, luma_matrix, rgb_to_ycbcr
from vidprop.color.quantisation import (
    dequantise_chroma,
    dequantise_luma,
    quantise_chroma,
    quantise_luma,
)
from vidprop.errors import InputError

from ._chroma import resample_chroma
from ._tags import UNKNOWN
from .formats import Frame, Plane, PlaneFormat

Float = NDArray[np.float32]

_TINY = np.float32(1e-12)


def convert(frame: Frame, source: PlaneFormat, target: PlaneFormat) -> Frame:
    """Express a frame of `source` in `target`; the same frame if nothing changes.

    Depth and range change by the formulas of ITU-T H.273, rounded to the nearest code.
    Grey gets neutral chroma; colour loses its chroma if `target` is grey.

    Raises:
        InputError: the two are tagged with different matrices.
    """
    if not (source.grey or target.grey or UNKNOWN in (source.matrix, target.matrix)):
        _check_matrices(source, target)
    luma = _recode(frame.luma, source, target, is_chroma=False)
    alpha = _alpha(frame, source, target) if target.alpha else None
    return replace(frame, luma=luma, chroma=_chroma(frame, source, target), alpha=alpha)


def from_rgb(rgb: Plane, bit_depth: int, matrix: MatrixName = "bt709") -> tuple[Plane, Plane]:
    """R'G'B' codes [H, W, 3] as full-range luma [H, W] and chroma [2, H, W] of the same depth.

    Where R = G = B, luma is that code and chroma is neutral.
    """
    ycbcr = rgb_to_ycbcr(dequantise_luma(rgb, bit_depth, full_range=True), matrix)
    luma = quantise_luma(ycbcr[..., 0], bit_depth, full_range=True)
    chroma = quantise_chroma(np.moveaxis(ycbcr[..., 1:], -1, 0), bit_depth, full_range=True)
    return luma, np.ascontiguousarray(chroma)


def to_rgb(
    frame: Frame, source: PlaneFormat, bit_depth: int, matrix: MatrixName | None = None
) -> Plane:
    """A frame as R'G'B' codes [H, W, 3], 0 black and 2**bit_depth - 1 white.

    Colours outside RGB are brought in by reducing their chroma, so that luma stays:
    between black and white, the luma of the result rounds to the code it came from
    wherever `bit_depth` is at least the source's.

    Args:
        matrix: of the planes; that of `source` unless given.
    Raises:
        InputError: the planes are not by one of the three matrices.
    """
    luma = np.clip(dequantise_luma(frame.luma, source.bit_depth, source.full_range), 0, 1)
    if frame.chroma is None:
        return np.repeat(_rgb_codes(luma, bit_depth)[..., None], 3, axis=2)
    blue, red = _chroma_values(frame.chroma, source, luma.shape)
    # Planes one by one: numpy is several times slower along a last axis of three.
    weights = _chroma_weights(matrix or source.matrix_name(luma.shape[0]))
    rgb = _inside(luma, [b * blue + r * red for b, r in weights])
    return np.stack([_rgb_codes(plane, bit_depth) for plane in rgb], axis=2)


@cache
def _chroma_weights(matrix: MatrixName) -> list[tuple[np.float32, np.float32]]:
    """How much of Cb and Cr is in R, G and B."""
    inverse = np.linalg.inv(luma_matrix(matrix)).astype(np.float32)
    return [(row[1], row[2]) for row in inverse]


def _check_matrices(source: PlaneFormat, target: PlaneFormat) -> None:
    if source.matrix_name() != target.matrix_name():
        raise InputError(f"matrix: {source.matrix} planes cannot be stored as {target.matrix}")


def _chroma(frame: Frame, source: PlaneFormat, target: PlaneFormat) -> Plane | None:
    if target.grey:
        return None
    if frame.chroma is None:
        shape = (2, *target.chroma_size(*frame.luma.shape))
        return np.full(shape, target.neutral, target.dtype)
    recoded = _recode(frame.chroma, source, target, is_chroma=True)
    return resample_chroma(recoded, source, target, frame.luma.shape)


def _alpha(frame: Frame, source: PlaneFormat, target: PlaneFormat) -> Plane:
    if frame.alpha is None:
        return np.full(frame.luma.shape, target.peak, target.dtype)
    full = [replace(each, full_range=True) for each in (source, target)]
    return _recode(frame.alpha, full[0], full[1], is_chroma=False)


def _recode(codes: Plane, source: PlaneFormat, target: PlaneFormat, *, is_chroma: bool) -> Plane:
    if (source.bit_depth, source.full_range) == (target.bit_depth, target.full_range):
        return codes
    table = _table(
        source.bit_depth, source.full_range, target.bit_depth, target.full_range, is_chroma
    )
    return table[codes]


@cache
def _table(depth: int, full: bool, new_depth: int, new_full: bool, is_chroma: bool) -> Plane:
    codes = np.arange(2**depth)
    if is_chroma:
        return quantise_chroma(dequantise_chroma(codes, depth, full), new_depth, new_full)
    return quantise_luma(dequantise_luma(codes, depth, full), new_depth, new_full)


def _chroma_values(chroma: Plane, source: PlaneFormat, shape: tuple[int, ...]) -> Float:
    planes = resample_chroma(chroma, source, replace(source, subsampling=(0, 0)), shape)
    return dequantise_chroma(planes, source.bit_depth, source.full_range)


def _inside(luma: Float, changes: list[Float]) -> list[Float]:
    """luma + s * change for R, G and B, with the largest s in 0..1 that stays within 0..1."""
    rgb = [luma + change for change in changes]
    lowest, highest = reduce(np.minimum, rgb), reduce(np.maximum, rgb)
    outside = (lowest < 0) | (highest > 1)
    if not outside.any():
        return rgb
    level = luma[outside]
    below = level / np.maximum(level - lowest[outside], _TINY)
    above = (1 - level) / np.maximum(highest[outside] - level, _TINY)
    share = np.minimum(1, np.minimum(below, above))
    for plane, change in zip(rgb, changes, strict=True):
        plane[outside] = np.clip(level + share * change[outside], 0, 1)
    return rgb


def _rgb_codes(rgb: Float, bit_depth: int) -> Plane:
    return quantise_luma(rgb, bit_depth, full_range=True)
