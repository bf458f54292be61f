"""Colourisation by optimisation, the classical way to make colour hints dense."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array
from scipy.sparse.linalg import splu

from vidprop.edits.hints import point_maps
from vidprop.evaluation.methods import Array, resized

_NEIGHBOURS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]


@dataclass(frozen=True)
class Levin:
    """Each pixel's chroma is the mean of its eight neighbours', weighted by likeness of luma.

    `w(r, s) = exp(-(Y(r) - Y(s))^2 / q(r))`; hinted pixels keep their value; one
    sparse linear system.

    weights: "paper" has q = 2 var, of the luma in the 3x3 window round r; "sharp"
        what its authors released: 0.6 var, but so much that the likest neighbour
        weighs 0.01 at least. It is half a dB better.
    half: solve at half the size, as our networks work: a quarter of the unknowns.
    Source: Levin, Lischinski and Weiss, Colorization using Optimization, 2004.
    """

    weights: Literal["paper", "sharp"] = "paper"
    half: bool = False

    def colour(self, luma: Array, positions: NDArray[np.int64], values: Array) -> Array:
        """See `SparseMethod.colour`."""
        if self.half:
            maps = point_maps(positions, values, *luma.shape)
            positions = np.argwhere(maps.mask[0] > 0)
            values = maps.edit[:, positions[:, 0], positions[:, 1]].T
            luma = resized(luma[None], luma.shape[0] // 2, luma.shape[1] // 2)[0]
        hinted = np.ravel_multi_index((positions[:, 0], positions[:, 1]), luma.shape)
        given = np.zeros((luma.size, values.shape[1]))
        given[hinted] = values
        # Rows sum to 0 or more, so no pivot is needed; looking for one spoils the order, and
        # took 5 to 12 times as long.
        solver = splu(self._system(luma, hinted), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0)
        return solver.solve(given).T.reshape(-1, *luma.shape).astype(np.float32)

    def _system(self, luma: Array, hinted: NDArray[np.int64]) -> csc_array:
        """The matrix that is zero off the hints where every pixel is its neighbours' mean."""
        weights = self._weights(luma.astype(np.float64)).reshape(luma.size, -1)
        weights[hinted] = 0
        columns = _shifted(np.arange(luma.size).reshape(luma.shape), 0).ravel()
        rows = np.arange(luma.size).repeat(len(_NEIGHBOURS))
        kept = weights.ravel() != 0
        mean = csr_array(
            (weights.ravel()[kept], (rows[kept], columns[kept])), shape=(luma.size, luma.size)
        )
        diagonal = np.arange(luma.size)
        return csc_array(csr_array((np.ones(luma.size), (diagonal, diagonal))) - mean)

    def _weights(self, luma: NDArray[np.float64]) -> NDArray[np.float64]:
        """[H, W, 8], their sum 1 at each pixel; 0 off the frame."""
        near = _shifted(luma, np.nan)
        squares = np.square(near - luma[..., None])
        variance = np.nanvar(np.concatenate([near, luma[..., None]], axis=-1), axis=-1)
        if self.weights == "paper":
            spread = 2 * np.maximum(variance, 1e-6)
        else:
            likest = np.nanmin(squares, axis=-1) / -np.log(0.01)
            spread = np.maximum.reduce([0.6 * variance, likest, np.full_like(likest, 2e-6)])
        weights = np.nan_to_num(np.exp(-squares / spread[..., None]))
        return weights / weights.sum(axis=-1, keepdims=True)


def _shifted(plane: NDArray[Any], outside: float) -> NDArray[Any]:
    """The eight neighbours of each pixel: [H, W, 8]."""
    height, width = plane.shape
    wide = np.pad(plane, 1, constant_values=outside)
    return np.stack(
        [wide[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] for dy, dx in _NEIGHBOURS], axis=-1
    )
