"""How the exposure of a clip drifts from frame to frame, and what key frames say of it.

All changes are in stops, per channel, so that automatic white balance is followed too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidprop.alignment import Flow, FlowConfig, flow_positions, inside, warp

from .camera_limits import ramp

Array = NDArray[np.floating]

_LEAST_SHARE = 0.02  # of a frame's pixels, for a median that means something
_TELLING = (0.1, 0.4)  # stops; less says nothing about who caused it, more says all
_TRUSTED = 0.5
_CORRECTION = 0.25
_COARSE = FlowConfig(finest_scale=1, patch_stride=4, descent_iterations=12)


@dataclass(frozen=True, slots=True)
class SmallFrame:
    """A frame reduced for alignment: luma [h, w] of 8 bits, stops and trust [h, w, 3]."""

    luma: NDArray[np.uint8]
    stops: Array
    trust: Array


@dataclass(frozen=True, slots=True)
class Exposures:
    """Of every frame of a span, [T, 3].

    offsets: to add to the camera curve's stops to get those of the scene.
    light: by how much the scene itself has become brighter since the first frame.
    """

    offsets: Array
    light: Array


class DriftTracker:
    """Takes frames in order and tells by how much each is brighter than the first.

    The median, over pixels that the camera shows well in both frames, of how much
    brighter a pixel is than where it was one frame before; where enough of the first
    frame is still in sight, no error adds up, as it is compared with that directly.
    """

    def __init__(self) -> None:
        self._flow = Flow(_COARSE)
        self._first: SmallFrame | None = None
        self._last: SmallFrame | None = None
        self._positions: Array | None = None
        self._drift: Array = np.zeros(3)

    def add(self, frame: SmallFrame) -> Array:
        """The change since the first frame, [3] in stops; 0 for the first."""
        if self._first is None or self._last is None:
            self._first = self._last = frame
            return self._drift.copy()
        positions = flow_positions(self._flow(frame.luma, self._last.luma))
        chained = positions if self._positions is None else warp(self._positions, positions)
        step = _change(frame, self._last, positions)
        whole = _change(frame, self._first, chained)
        followed = self._drift + (0.0 if step is None else step)
        # A chain that has gone astray must not outvote the sum of small steps, nor make it jump.
        if whole is not None and np.abs(whole - followed).max() < 0.2:
            followed = followed + _CORRECTION * (whole - followed)
        self._drift = followed
        self._last, self._positions = frame, chained
        return self._drift.copy()


def offset(stops: Array, shown: Array, trust: Array) -> Array:
    """By how much stops [..., 3] lie above those of the camera curve, [3].

    The median where the curve can be trusted in all channels, `trust` [...] above a half;
    of all pixels where there are too few of these.
    """
    chosen = trust > _TRUSTED
    if not tells(trust):
        chosen = np.ones_like(chosen)
    return np.median((stops - shown)[chosen], axis=0)


def tells(trust: Array) -> bool:
    """Whether enough of a frame can be trusted to tell its exposure; not so if it is white."""
    return bool((trust > _TRUSTED).sum() >= _LEAST_SHARE * trust.size)


def exposures(drift: Sequence[Array], first: Array | None, last: Array | None) -> Exposures:
    """Join the drift along a span with the offsets of the key frames at its ends.

    A frame may be brighter because the camera let in more light, or because there
    was more. Two key frames tell which: if their offsets differ by the drift it was
    the camera, if they do not differ it was the scene, and what lies between is
    shared; a drift too small to tell is the camera's. So it is with one key frame.

    Args:
        drift: of each frame since the first of the span, [3].
        first, last: offsets [3] of the key frames at the first and the last frame.
    """
    drifts = np.stack(drift)
    if first is None and last is None:
        return Exposures(-drifts, np.zeros_like(drifts))
    if first is None or last is None:
        anchor = first + drifts[0] if first is not None else last + drifts[-1]
        return Exposures(anchor - drifts, np.zeros_like(drifts))
    share = _camera_share(drifts[-1], last - first)
    missing = last - first + share * drifts[-1]
    along = np.linspace(0, 1, len(drifts))[:, None]
    return Exposures(first - share * drifts + along * missing, (1 - share) * drifts)


def _camera_share(drift: Array, change: Array) -> float:
    told = float(ramp(np.abs(drift).max(), *_TELLING))
    if not told:
        return 1.0
    share = np.clip(-(drift @ change) / (drift @ drift), 0, 1)
    return float(1 - told * (1 - share))


def _change(frame: SmallFrame, other: SmallFrame, positions: Array) -> Array | None:
    """Median by which `frame` is brighter than `other` at `positions`, [3]; None if unseen."""
    seen = inside(positions, other.luma.shape)
    moved = warp(np.concatenate([other.stops, other.trust], axis=-1), positions)
    trusted = (frame.trust > _TRUSTED) & (moved[..., 3:] > _TRUSTED) & seen[..., None]
    if trusted.sum(axis=(0, 1)).min() < _LEAST_SHARE * frame.luma.size:
        return _grey_change(frame.stops - moved[..., :3], trusted)
    return _medians(frame.stops - moved[..., :3], trusted)


def _grey_change(difference: Array, trusted: NDArray[np.bool_]) -> Array | None:
    """One change for all channels, where a channel alone has too little to show."""
    if trusted.sum() < _LEAST_SHARE * trusted.size:
        return None
    return np.full(3, np.median(difference[trusted]))


def _medians(difference: Array, trusted: NDArray[np.bool_]) -> Array:
    return np.array([np.median(difference[..., c][trusted[..., c]]) for c in range(3)])
