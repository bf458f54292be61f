"""Propagation of radiance: frames in R'G'B' and a camera curve, before any propagator of edits.

Edits given and given back are stops in units of `STOPS_PER_UNIT`, from radiance 1 on. What
the propagator inside sees is moved to the middle of the key frames' exposure, and freed of
changes of the scene's own light.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import overload

import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.alignment import flow_luma
from vidprop.edits.camera_curve import CameraCurve
from vidprop.edits.camera_exposure import DriftTracker, SmallFrame, exposures, offset
from vidprop.edits.hdr import STOPS_PER_UNIT, from_edit, luma_of, middle_of, to_edit
from vidprop.edits.triples import least

from .contract import Array, Estimate, KeyEdit, SpanPropagator
from .span import NetworkPropagator
from .stretches import Guides


class RadiancePropagator:
    """Carries radiance; see `SpanPropagator`, but guides are signals R'G'B' [H, W, 3].

    Args:
        propagator: of edits of three channels; a `NetworkPropagator` is given what the
            curve says of every frame as a further candidate.
        curve: of the camera, at any exposure: each key frame's is measured.
    """

    def __init__(self, propagator: SpanPropagator, curve: CameraCurve) -> None:
        self._propagator, self._curve = propagator, curve

    def propagate(
        self, guides: Sequence[Array], before: KeyEdit | None, after: KeyEdit | None
    ) -> Iterator[Estimate]:
        """See `SpanPropagator.propagate`."""
        shown = Shown.of(guides, self._curve)
        ends = [None if key is None else _stops(key) for key in (before, after)]
        offsets = [
            None if stops is None else offset(stops, *shown.at(place))
            for stops, place in zip(ends, (0, -1), strict=True)
        ]
        found = exposures(shown.drift, *offsets)
        middle = middle_of(next(stops for stops in ends if stops is not None))
        zero = middle + found.light
        keys = _moved(before, -zero[0]), _moved(after, -zero[-1])
        candidates = _Candidates(shown, found.offsets - zero)
        for place, estimate in enumerate(self._carry(Guides(shown.luma), *keys, candidates)):
            edit = _shifted(estimate.edit, zero[place])
            yield replace(estimate, edit=edit)

    def _carry(
        self,
        lumas: Sequence[Array],
        before: KeyEdit | None,
        after: KeyEdit | None,
        candidates: "_Candidates",
    ) -> Iterator[Estimate]:
        if isinstance(self._propagator, NetworkPropagator):
            return self._propagator.propagate(lumas, before, after, candidates)
        return self._propagator.propagate(lumas, before, after)


@dataclass(frozen=True)
class Shown:
    """What the camera curve says of every frame of a stretch, at half the size of the guides.

    luma: [T] of [H, W], the frames' own. stops: [T] of [h, w, 3]; trust: [T] of [h, w], in
    all channels. drift: see `DriftTracker`.
    """

    luma: list[NDArray[np.uint8]]

    stops: list[NDArray[np.float16]]
    trust: list[NDArray[np.uint8]]
    drift: list[Array]

    @classmethod
    def of(cls, signals: Sequence[Array], curve: CameraCurve) -> "Shown":
        """Looks at every frame once; keeps 11 bytes a pixel of half the size."""
        shown, tracker = cls([], [], [], []), DriftTracker()
        for place in range(len(signals)):
            signal = signals[place]
            small = small_frame(signal, curve)
            shown.luma.append(flow_luma(luma_of(signal)))
            shown.drift.append(tracker.add(small))
            shown.stops.append(small.stops.astype(np.float16))
            shown.trust.append(np.rint(least(small.trust) * 255).astype(np.uint8))
        return shown

    def at(self, place: int) -> tuple[Array, Array]:
        """Stops [h, w, 3] and trust [h, w] in 0..1 of a frame."""
        trust = self.trust[place].astype(np.float32) / np.float32(255)
        return self.stops[place].astype(np.float32), trust


def small_frame(signal: Array, curve: CameraCurve) -> SmallFrame:
    """A frame [H, W, 3] as the curve shows it, at half its size."""
    size = (signal.shape[1] // 2, signal.shape[0] // 2)
    luma, stops, trust = (
        cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        for image in (luma_of(signal), curve.stops(signal), curve.weights(signal))
    )
    return SmallFrame(flow_luma(luma), stops, trust)


class _Candidates(Sequence[Array]):
    """The curve's edit and its reliability [1, 4, h, w] for every frame."""

    def __init__(self, shown: Shown, shift: Array, turned: bool = False) -> None:
        self._shown, self._shift, self._turned = shown, shift, turned

    def __len__(self) -> int:
        return len(self._shown.stops)

    @overload
    def __getitem__(self, place: int) -> Array: ...
    @overload
    def __getitem__(self, place: slice) -> "_Candidates": ...
    def __getitem__(self, place: int | slice) -> "Array | _Candidates":
        if isinstance(place, slice):
            assert place == slice(None, None, -1)
            return _Candidates(self._shown, self._shift, not self._turned)
        place = len(self) - 1 - place if self._turned else place
        stops, trust = self._shown.at(place)
        edit = to_edit(stops, -self._shift[place])
        return np.concatenate([edit, trust[None]])[None]


def _stops(key: KeyEdit) -> Array:
    return from_edit(key.edit, 0.0)


def _moved(key: KeyEdit | None, stops: Array) -> KeyEdit | None:
    return None if key is None else KeyEdit(_shifted(key.edit, stops), key.coverage)


def _shifted(edit: Array, stops: Array) -> Array:
    shift = np.asarray(stops, np.float32) / np.float32(STOPS_PER_UNIT)
    return edit + shift[:, None, None]
