"""Linear maps between colour spaces: RGB and YCbCr, and RGB between primaries.

Every matrix is derived from the few numbers its standard gives, in float64, so
that a map and its inverse are exact to rounding.

Channels lie along `axis`, the last one unless said otherwise. float32 stays
float32, everything else becomes float64.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vidprop.errors import InputError

Array = NDArray[Any]
MatrixName = Literal["bt601", "bt709", "bt2020"]
Point = tuple[float, float]

_LUMA_WEIGHTS: Mapping[str, tuple[float, float]] = {  # KR, KB
    "bt601": (0.299, 0.114),  # ITU-R BT.601-7, 2.5.1
    "bt709": (0.2126, 0.0722),  # ITU-R BT.709-6, 3.2
    "bt2020": (0.2627, 0.0593),  # ITU-R BT.2020-2, table 4, non-constant luminance
}


@dataclass(frozen=True, slots=True)
class Primaries:
    """CIE 1931 xy of red, green, blue and white."""

    red: Point
    green: Point
    blue: Point
    white: Point


D65: Point = (0.3127, 0.3290)
BT709 = Primaries((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), D65)  # also sRGB
BT2020 = Primaries((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65)  # also BT.2100
P3_D65 = Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65)  # SMPTE EG 432-1
AP0 = Primaries((0.7347, 0.2653), (0.0, 1.0), (0.0001, -0.077), (0.32168, 0.33767))  # ST 2065-1
AP1 = Primaries((0.713, 0.293), (0.165, 0.830), (0.128, 0.044), (0.32168, 0.33767))  # ACEScg

_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


def as_float(values: Any) -> Array:
    """`values` as float32 if they are that already, else as float64."""
    array = np.asarray(values)
    return array if array.dtype == np.float32 else array.astype(np.float64)


def apply_matrix(matrix: Array, values: Any, axis: int = -1) -> Array:
    """Multiply the three channels along `axis` by a 3x3 `matrix`.

    Raises:
        InputError: `values` has not three channels along `axis`.
    """
    array = as_float(values)
    if array.ndim == 0 or array.shape[axis] != 3:
        raise InputError(f"values: three channels along axis {axis} are needed, got {array.shape}")
    moved = np.moveaxis(array, axis, -1) @ matrix.T.astype(array.dtype)
    return np.moveaxis(moved, -1, axis)


@cache
def luma_matrix(matrix: MatrixName = "bt709") -> Array:
    """The 3x3 matrix from R'G'B' in [0, 1] to Y' in [0, 1], Cb, Cr in [-0.5, 0.5].

    Raises:
        InputError: `matrix` is not one of the names known.
    Source: ITU-R BT.601-7 2.5, BT.709-6 3, BT.2020-2 table 4.
    """
    if matrix not in _LUMA_WEIGHTS:
        raise InputError(f"matrix: one of {', '.join(get_args(MatrixName))}, got {matrix!r}")
    kr, kb = _LUMA_WEIGHTS[matrix]
    luma = np.array([kr, 1.0 - kr - kb, kb])
    blue = (np.array([0.0, 0.0, 1.0]) - luma) / (2.0 * (1.0 - kb))
    red = (np.array([1.0, 0.0, 0.0]) - luma) / (2.0 * (1.0 - kr))
    return _frozen(np.stack([luma, blue, red]))


@cache
def _inverse_luma_matrix(matrix: MatrixName) -> Array:
    return _frozen(np.linalg.inv(luma_matrix(matrix)))


def rgb_to_ycbcr(rgb: Any, matrix: MatrixName = "bt709", axis: int = -1) -> Array:
    """R'G'B' in [0, 1] to Y' in [0, 1] and Cb, Cr in [-0.5, 0.5]; nothing is clipped.

    Raises:
        InputError: no three channels along `axis`, or an unknown matrix.
    """
    return apply_matrix(luma_matrix(matrix), rgb, axis)


def ycbcr_to_rgb(ycbcr: Any, matrix: MatrixName = "bt709", axis: int = -1) -> Array:
    """The inverse of `rgb_to_ycbcr`; nothing is clipped."""
    if matrix not in _LUMA_WEIGHTS:
        raise InputError(f"matrix: one of {', '.join(get_args(MatrixName))}, got {matrix!r}")
    return apply_matrix(_inverse_luma_matrix(matrix), ycbcr, axis)


@cache
def rgb_to_xyz_matrix(primaries: Primaries) -> Array:
    """The 3x3 matrix from linear RGB to CIE XYZ in which white has Y = 1.

    Raises:
        InputError: the chromaticities span no triangle.
    Source: SMPTE RP 177-1993, 3.3.
    """
    corners = np.stack([_xyz(p) for p in (primaries.red, primaries.green, primaries.blue)], axis=1)
    if not abs(np.linalg.det(corners)) > 1e-6:
        raise InputError(f"primaries: red, green and blue must span a triangle, got {primaries}")
    scale = np.linalg.solve(corners, _xyz(primaries.white) / primaries.white[1])
    return _frozen(corners * scale)


@cache
def conversion_matrix(source: Primaries, target: Primaries) -> Array:
    """The 3x3 matrix from linear RGB of `source` to linear RGB of `target`.

    White goes to white: differing white points are adapted with Bradford's
    transform (ICC.1:2022, annex E).
    """
    adapted = _adaptation(source.white, target.white) @ rgb_to_xyz_matrix(source)
    return _frozen(np.linalg.solve(rgb_to_xyz_matrix(target), adapted))


def convert_primaries(rgb: Any, source: Primaries, target: Primaries, axis: int = -1) -> Array:
    """Linear RGB of `source` as linear RGB of `target`; out-of-gamut values go negative."""
    if source == target:
        return as_float(rgb)
    return apply_matrix(conversion_matrix(source, target), rgb, axis)


def luminance(rgb: Any, primaries: Primaries = BT709, axis: int = -1) -> Array:
    """CIE Y of linear RGB, in the unit of `rgb`."""
    return np.take(apply_matrix(rgb_to_xyz_matrix(primaries), rgb, axis), 1, axis)


def _adaptation(source: Point, target: Point) -> Array:
    if source == target:
        return np.eye(3)
    before, after = (_BRADFORD @ (_xyz(white) / white[1]) for white in (source, target))
    return np.linalg.solve(_BRADFORD, (after / before)[:, None] * _BRADFORD)


def _xyz(point: Point) -> Array:
    x, y = point
    return np.array([x, y, 1.0 - x - y])


def _frozen(matrix: Array) -> Array:
    matrix.setflags(write=False)
    return matrix
