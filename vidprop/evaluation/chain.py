"""The whole way: a few hundred coloured points on one frame, and frames long after it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vidprop.edits.hints import superpixel_positions
from vidprop.edits.upsampling import upsample
from vidprop.errors import InputError
from vidprop.evaluation.clips import ColourClip
from vidprop.evaluation.methods import Array, Method, SparseMethod
from vidprop.evaluation.metrics import delta_e_2000, psnr

FROM_HINTS, FROM_KEY = "hints, densified", "whole key frame"


@dataclass(frozen=True)
class ChainScore:
    """What one frame of a clip looks like, by what the clip was coloured from.

    clip: the clip's name and the frame's number.
    psnr: of R'G'B', dB. delta_e: CIE delta E 2000.
    """

    clip: str
    method: str
    psnr: float
    delta_e: float


@dataclass(frozen=True)
class ChainRun:
    """A clip, the frames that are looked at, and their chroma [2, H, W] by what it came from."""

    clip: ColourClip
    frames: Sequence[int]
    estimates: Mapping[str, Mapping[int, Array]]

    def scores(self) -> Iterator[ChainScore]:
        """One a frame and way."""
        for frame in self.frames:
            truth = self.clip.rgb(frame)
            for name, chroma in self.estimates.items():
                estimate = self.clip.rgb(frame, chroma[frame])
                yield ChainScore(
                    clip=f"{self.clip.name}, frame {frame}",
                    method=name,
                    psnr=psnr(truth, estimate),
                    delta_e=delta_e_2000(truth, estimate),
                )


def run_chain(
    clip: ColourClip,
    densify: SparseMethod,
    propagate: Method,
    frames: Sequence[int],
    hints: int = 300,
    seed: int = 0,
) -> ChainRun:
    """Colour frame 0 from hints, carry that on, and see what arrives.

    Args:
        frames: that are looked at; the last settles how far the clip is carried.
        hints: superpixels of frame 0, one random pixel of each is given.
        seed: with the clip's name it settles the pixels.
    Raises:
        InputError: the clip is too short.
    """
    last = max(frames)
    if len(clip) <= last:
        raise InputError(f"{clip.name}: has {len(clip)} frames, {last + 1} are needed")
    luma, first = list(clip.luma[: last + 1]), clip.chroma[0]
    rng = np.random.default_rng([seed, *clip.name.encode()])
    positions = superpixel_positions(luma[0], hints, rng)
    values = np.ascontiguousarray(first[:, positions[:, 0], positions[:, 1]].T)
    dense = upsample(densify.colour(luma[0], positions, values), luma[0])
    keys = {FROM_HINTS: dense, FROM_KEY: first}
    carried = {name: propagate.propagate(luma, {0: key}) for name, key in keys.items()}
    # A key frame comes out as it went in.
    estimates = {
        name: {n: keys[name] if n == 0 else edits[n] for n in frames}
        for name, edits in carried.items()
    }
    return ChainRun(clip, tuple(frames), estimates)
