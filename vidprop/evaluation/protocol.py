"""Taking the colour of a clip away, letting methods bring it back, and scoring them."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from vidprop.errors import InputError
from vidprop.evaluation.clips import ColourClip
from vidprop.evaluation.methods import Array, Method
from vidprop.evaluation.metrics import (
    colour_consistency,
    delta_e_2000,
    motions,
    psnr,
    warp_error,
)

TRUTH = "truth"


@dataclass(frozen=True)
class Schedule:
    """Which frames are key frames, and which of them a method is given.

    interval: key frames are that far apart, the first is frame 0.
    sides: "one", only the key frame before; "both", that before and that after,
        and the last frame of the clip is a key frame too.
    """

    interval: int = 30
    sides: Literal["one", "both"] = "one"

    def __post_init__(self) -> None:
        if self.interval < 1:
            raise InputError(f"interval: at least 1, got {self.interval}")

    @property
    def first_span(self) -> int:
        """How many frames it takes to see one span."""
        return self.interval + (self.sides == "both")

    def spans(self, frames: int) -> list[range]:
        """The frames a method sees at a time: from a key frame on, to the next one if given."""
        keys = list(range(0, frames, self.interval))
        if self.sides == "one":
            return [range(*ends) for ends in pairwise([*keys, frames])]
        return [range(one, other + 1) for one, other in pairwise(sorted({*keys, frames - 1}))]


@dataclass(frozen=True)
class Score:
    """What one method did on one clip: means over the frames that are no key frames.

    psnr: of R'G'B', dB.
    delta_e: CIE delta E 2000.
    cdc, warp_error: over all frames in order; the row of the truth tells what is normal.
    seconds: for each frame that was filled, all of the method's work included.
    """

    clip: str
    method: str
    frames: int
    psnr: float
    delta_e: float
    cdc: float
    warp_error: float
    seconds: float


@dataclass(frozen=True)
class Run:
    """One clip, and the chroma [2, h, w] each method gave each frame."""

    clip: ColourClip
    filled: tuple[int, ...]
    estimates: Mapping[str, list[Array]]
    seconds: Mapping[str, float]

    def frames(self, method: str) -> list[Array]:
        """R'G'B' [H, W, 3] of all frames by a method, or `TRUTH`."""
        if method == TRUTH:
            return [self.clip.rgb(i) for i in range(len(self.clip))]
        return [self.clip.rgb(i, chroma) for i, chroma in enumerate(self.estimates[method])]

    def scores(self) -> Iterator[Score]:
        """The truth's score, then each method's."""
        motion, truth = motions(list(self.clip.luma)), self.frames(TRUTH)
        for method in (TRUTH, *self.estimates):
            frames = self.frames(method)
            yield Score(
                clip=self.clip.name,
                method=method,
                frames=len(self.filled),
                psnr=float(np.mean([psnr(truth[i], frames[i]) for i in self.filled])),
                delta_e=float(np.mean([delta_e_2000(truth[i], frames[i]) for i in self.filled])),
                cdc=colour_consistency(frames),
                warp_error=warp_error(frames, motion),
                seconds=self.seconds.get(method, 0.0) / len(self.filled),
            )


def run_clip(clip: ColourClip, methods: Mapping[str, Method], schedule: Schedule) -> Run:
    """Let each method fill the clip between its key frames.

    Raises:
        InputError: the clip is so short that every frame is a key frame.
    """
    spans = schedule.spans(len(clip))
    given = {span.start for span in spans}
    if schedule.sides == "both":
        given |= {span.stop - 1 for span in spans}
    filled = tuple(i for i in range(len(clip)) if i not in given)
    if not filled:
        raise InputError(f"{clip.name}: no frame of {len(clip)} is left between key frames")
    estimates, seconds = {}, {}
    for name, method in methods.items():
        start = time.perf_counter()
        estimates[name] = _fill(clip, method, spans, schedule.sides)
        seconds[name] = time.perf_counter() - start
    return Run(clip, filled, estimates, seconds)


def _fill(clip: ColourClip, method: Method, spans: list[range], sides: str) -> list[Array]:
    chroma = list(clip.chroma)
    for span in spans:
        edits = {0: clip.chroma[span.start]}
        if sides == "both":
            edits[len(span) - 1] = clip.chroma[span.stop - 1]
        results = method.propagate(list(clip.luma[span.start : span.stop]), edits)
        for place, result in enumerate(results):
            # A key frame is shown as it was given, whatever the method made of it.
            if place not in edits:
                chroma[span.start + place] = result
    return chroma
