"""Colourisation by optimisation, the classical way to make colour hints dense."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array
from scipy.sparse.linalg import splu

from vidprop.evaluation.methods import Array

_NEIGHBOURS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]
_SMALLEST_VARIANCE = 1e-6


@dataclass(frozen=True)
class Levin:
    """Each pixel's chroma is the mean of its eight neighbours', weighted by likeness of luma.

    `w(r, s) = exp(-(Y(r) - Y(s))^2 / (2 var(r)))`, var(r) that of the luma in the
    3x3 window round r; hinted pixels keep their value; one sparse linear system.

    Source: Levin, Lischinski and Weiss, Colorization using Optimization, 2004.
    """

    def colour(self, luma: Array, positions: NDArray[np.int64], values: Array) -> Array:
        """See `SparseMethod.colour`."""
        height, width = luma.shape
        hinted = np.ravel_multi_index((positions[:, 0], positions[:, 1]), luma.shape)
        given = np.zeros((luma.size, values.shape[1]))
        given[hinted] = values
        solved = splu(_system(luma, hinted)).solve(given)
        return solved.T.reshape(-1, height, width).astype(np.float32)


def _system(luma: Array, hinted: NDArray[np.int64]) -> csc_array:
    """The matrix that is zero off the hints where every pixel is its neighbours' mean."""
    weights, columns = _weights(luma)
    weights[hinted] = 0
    rows = np.arange(luma.size).repeat(len(_NEIGHBOURS))
    kept = weights.ravel() != 0
    entries = (-weights.ravel()[kept], (rows[kept], columns.ravel()[kept]))
    mean = csr_array(entries, shape=(luma.size, luma.size))
    diagonal = np.arange(luma.size)
    return csc_array(mean + csr_array((np.ones(luma.size), (diagonal, diagonal))))


def _weights(luma: Array) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Weight and index of the eight neighbours of each pixel: [H * W, 8]; 0 off the frame."""
    centre = luma.astype(np.float64)
    near = _shifted(centre, np.nan)
    number = _shifted(np.arange(luma.size).reshape(luma.shape), 0)
    window = np.concatenate([near, centre[..., None]], axis=-1)
    variance = np.maximum(np.nanvar(window, axis=-1), _SMALLEST_VARIANCE)[..., None]
    weights = np.nan_to_num(np.exp(-np.square(near - centre[..., None]) / (2 * variance)))
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights.reshape(luma.size, -1), number.reshape(luma.size, -1)


def _shifted(plane: NDArray[Any], outside: float) -> NDArray[Any]:
    height, width = plane.shape
    wide = np.pad(plane, 1, constant_values=outside)
    return np.stack(
        [wide[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] for dy, dx in _NEIGHBOURS], axis=-1
    )
