"""Taking the colour of a frame away but for a few points, and scoring what methods make of it."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidprop.edits.hints import superpixel_positions
from vidprop.evaluation.clips import ColourClip
from vidprop.evaluation.methods import Array, SparseMethod
from vidprop.evaluation.metrics import delta_e_2000, psnr


@dataclass(frozen=True)
class SparseScore:
    """What one method made of the hints on one frame.

    hints: how many there were.
    psnr: of R'G'B' over all pixels, dB.
    delta_e: CIE delta E 2000.
    seconds: for the frame.
    """

    clip: str
    method: str
    hints: int
    psnr: float
    delta_e: float
    seconds: float


@dataclass(frozen=True)
class SparseRun:
    """The first frame of a clip, its hints at `positions` [M, 2] as (y, x), and the results."""

    clip: ColourClip
    positions: NDArray[np.int64]
    estimates: Mapping[str, Array]
    seconds: Mapping[str, float]

    def scores(self) -> Iterator[SparseScore]:
        """One score a method."""
        truth = self.clip.rgb(0)
        for method, chroma in self.estimates.items():
            estimate = self.clip.rgb(0, chroma)
            yield SparseScore(
                clip=self.clip.name,
                method=method,
                hints=len(self.positions),
                psnr=psnr(truth, estimate),
                delta_e=delta_e_2000(truth, estimate),
                seconds=self.seconds[method],
            )


def run_sparse(
    clip: ColourClip, methods: Mapping[str, SparseMethod], hints: int = 300, seed: int = 0
) -> SparseRun:
    """Let each method colour the first frame from the same hints.

    Args:
        hints: superpixels of the grey frame, about; one random pixel of each is given.
        seed: with the clip's name it settles the pixels.
    """
    rng = np.random.default_rng([seed, *clip.name.encode()])
    positions = superpixel_positions(clip.luma[0], hints, rng)
    values = np.ascontiguousarray(clip.chroma[0][:, positions[:, 0], positions[:, 1]].T)
    estimates, seconds = {}, {}
    for name, method in methods.items():
        start = time.perf_counter()
        estimates[name] = method.colour(clip.luma[0], positions, values)
        seconds[name] = time.perf_counter() - start
    return SparseRun(clip, positions, estimates, seconds)
