"""Taking the radiance of a shot away, letting methods bring it back, and scoring them."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidprop.alignment import warp
from vidprop.color.display import delta_e_itp
from vidprop.color.matrices import BT709, luminance
from vidprop.color.transfer import SDR_WHITE_NITS
from vidprop.edits.hdr import luma_of
from vidprop.errors import InputError
from vidprop.evaluation.hdr_methods import HdrMethod
from vidprop.evaluation.hdr_metrics import flicker, log_rmse, pu21_psnr
from vidprop.evaluation.metrics import Motion, motions
from vidprop.evaluation.protocol import TRUTH, Schedule

Array = NDArray[Any]
PEAK_NITS = 4000.0
"""Peak of the display on which light is compared: that of common mastering displays."""


@dataclass(frozen=True)
class HdrShot:
    """A clip whose radiance is known.

    ldr: [T, H, W, 3] uint8, R'G'B' of full range. stops: [T, H, W, 3], log2 radiance.
    clipped: [T, H, W], where the camera clipped in any channel.
    white: stops that a display shows as diffuse white.
    """

    name: str
    ldr: NDArray[np.uint8]
    stops: NDArray[np.float32]
    clipped: NDArray[np.bool_]
    white: float

    def __len__(self) -> int:
        return len(self.ldr)

    def signals(self, frames: range) -> list[NDArray[np.float32]]:
        """R'G'B' in 0..1 of some frames."""
        return [self.ldr[i].astype(np.float32) / np.float32(255) for i in frames]

    def nits(self, stops: Array) -> Array:
        """What a display shows, cd/m2."""
        return np.minimum(
            SDR_WHITE_NITS * np.exp2(stops.astype(np.float64) - self.white), PEAK_NITS
        )


@dataclass(frozen=True)
class HdrScore:
    """What one method did on one shot, over the frames that are no key frames.

    pu21_psnr: dB. delta_e_itp: mean.
    log_rmse, clipped_log_rmse: of log2 luminance, in stops; all pixels, and those clipped.
    flicker: change from frame to frame that the truth does not have, in stops.
    change: of log luminance along the flow, as a share of the truth's.
    seconds: for each frame that was filled, all of the method's work included.
    """

    clip: str
    method: str
    frames: int
    pu21_psnr: float
    log_rmse: float
    clipped_log_rmse: float
    delta_e_itp: float
    flicker: float
    change: float
    seconds: float


@dataclass(frozen=True)
class HdrRun:
    """One shot, and the stops that each method gave each frame."""

    shot: HdrShot
    filled: tuple[int, ...]
    estimates: Mapping[str, list[Array]]
    seconds: Mapping[str, float]

    def frames(self, method: str) -> list[Array]:
        """Stops of all frames by a method, or `TRUTH`."""
        return list(self.shot.stops) if method == TRUTH else self.estimates[method]

    def scores(self) -> Iterator[HdrScore]:
        """Each method's score."""
        everywhere = range(len(self.shot))
        motion = motions([luma_of(signal) for signal in self.shot.signals(everywhere)])
        true_change = _change([_luminance(s) for s in self.shot.stops], motion)
        for method in self.estimates:
            yield self._score(method, motion, true_change)

    def _score(self, method: str, motion: list[Motion], true_change: float) -> HdrScore:
        truth, ours = ([self.frames(m)[i] for i in self.filled] for m in (TRUTH, method))
        lumas = [[_luminance(s) for s in self.frames(m)] for m in (TRUTH, method)]
        known, found = (np.stack([luma[i] for i in self.filled]) for luma in lumas)
        nits = [(self.shot.nits(t), self.shot.nits(o)) for t, o in zip(truth, ours, strict=True)]
        return HdrScore(
            clip=self.shot.name,
            method=method,
            frames=len(self.filled),
            pu21_psnr=float(np.mean([pu21_psnr(*pair) for pair in nits])),
            log_rmse=log_rmse(known, found),
            clipped_log_rmse=log_rmse(known, found, self.shot.clipped[list(self.filled)]),
            delta_e_itp=float(np.mean([delta_e_itp(*pair).mean() for pair in nits])),
            flicker=flicker(lumas[0], lumas[1], motion),
            change=_change(lumas[1], motion) / max(true_change, 1e-6),
            seconds=self.seconds[method] / len(self.filled),
        )


def run_shot(shot: HdrShot, methods: Mapping[str, HdrMethod], schedule: Schedule) -> HdrRun:
    """Let each method fill the shot between its key frames.

    Raises:
        InputError: the shot is so short that every frame is a key frame.
    """
    spans = [span for span in schedule.spans(len(shot)) if len(span) > 1]
    given = {span.start for span in spans}
    if schedule.sides == "both":
        given |= {span.stop - 1 for span in spans}
    filled = tuple(i for span in spans for i in span if i not in given)
    if not filled:
        raise InputError(f"{shot.name}: no frame of {len(shot)} is left between key frames")
    estimates, seconds = {}, {}
    for name, method in methods.items():
        start = time.perf_counter()
        estimates[name] = _fill(shot, method, spans, schedule.sides)
        seconds[name] = time.perf_counter() - start
    return HdrRun(shot, filled, estimates, seconds)


def _fill(shot: HdrShot, method: HdrMethod, spans: list[range], sides: str) -> list[Array]:
    stops: list[Array] = list(shot.stops)
    for span in spans:
        keys = {0: shot.stops[span.start]}
        if sides == "both":
            keys[len(span) - 1] = shot.stops[span.stop - 1]
        for place, result in enumerate(method.fill(shot.signals(span), keys)):
            if place not in keys:
                stops[span.start + place] = result
    return stops


def _luminance(stops: Array) -> Array:
    """Log2 luminance [H, W] of stops [H, W, 3]."""
    return np.log2(luminance(np.exp2(stops.astype(np.float64)), BT709))


def _change(lumas: list[Array], motion: list[Motion]) -> float:
    """Median absolute change of log luminance along the motion, where it is visible."""
    changes = [
        np.abs(after - warp(before, step.positions))[step.visible]
        for before, after, step in zip(lumas, lumas[1:], motion, strict=False)
    ]
    return float(np.median(np.concatenate(changes))) if changes else 0.0
