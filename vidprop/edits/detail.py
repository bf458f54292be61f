"""What key frames have that an estimate of a frame's edit has not, carried along.

An edit is estimated small, as a mixture, and enlarged. A key frame's edit was given, at full
size: it is moved to where the alignment says that its pixels went. There it sharpens the small
edit, as far as luma is the same, and brings back what is finer, as far as the fine detail of
luma arrived as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.alignment import enlarged, warp

from .upsampling import luma_detail, reduce_plane, upsample

Array = NDArray[np.floating]

# Fine detail of luma is compared in windows of this many pixels, luma in these of the small size.
_FINE_WINDOW, _COARSE_WINDOW = 5, 3
# Variance of luma's detail below which two details count as the same.
_FLAT = 1e-5
# Differences of luma and of the edit at which a key frame counts by a half; its largest share.
_LUMA, _EDIT, _MOST = 0.04, 0.03, 0.8
# Coverage that an edit can be divided by: cubic interpolation goes a little below 0.
_COVERED = 0.02


@dataclass(frozen=True, slots=True)
class KeyDetail:
    """A key frame's edit, small, and what it has beyond that.

    fine: [H, W, C + 2], the edit's detail times coverage; luma's; coverage.
    coarse: [h, w, C + 2], the edit times coverage; luma; coverage.
    """

    fine: Array
    coarse: Array

    @classmethod
    def of(
        cls, edit: Array, luma: Array, small: tuple[int, int], coverage: Array | None = None
    ) -> "KeyDetail | None":
        """What an edit [C, H, W] brings to those estimated at the size `small`.

        None where H and W are no larger.

        Args:
            luma: [H, W], float32 in 0..1.
            coverage: [H, W], where the edit was painted; None for everywhere.
        """
        if edit.shape[1] <= small[0] and edit.shape[2] <= small[1]:
            return None
        reduced = np.stack([reduce_plane(plane, *small) for plane in edit])
        covered = np.ones_like(luma) if coverage is None else coverage
        lost = (edit - upsample(reduced, luma)) * covered
        fine = [*lost, luma_detail(luma, *small), covered]
        coarse = [*(edit * covered), luma, covered]
        return cls(_last(fine), _last([reduce_plane(plane, *small) for plane in coarse]))


@dataclass(frozen=True, slots=True)
class Carry:
    """The detail of one key frame, on its way to another frame.

    positions: [h, w, 2], where the frame's pixels were in the key frame, as (x, y); at the
        small size.
    share: of this key frame, where there are several.
    """

    detail: KeyDetail
    positions: Array
    share: float = 1.0


def nearness(frames: int) -> float:
    """The share of a key frame so many frames before or after, beside that of others."""
    return 1 / max(1, abs(frames))


def enlarge(edit: Array, luma: Array, carries: Sequence[Carry]) -> Array:
    """An edit [C, h, w] at the size of its frame's `luma` [H, W], with what key frames bring.

    Measured at twice the working size, K = 30, over enlarging alone: 1.1 dB from one key
    frame, 1.6 between two.
    """
    if not carries:
        return upsample(edit, luma)
    small = edit.shape[1:]
    own, own_detail = reduce_plane(luma, *small), luma_detail(luma, *small)
    change, detail = _Mean(), _Mean()
    for carry in carries:
        fine = _moved(carry.detail.fine, enlarged(carry.positions, luma.shape))
        same = _agreement(own_detail, fine[..., -2])
        detail.add(fine[..., :-2], carry.share * same * fine[..., -1].clip(0, 1), same)
        coarse = _moved(carry.detail.coarse, carry.positions)
        difference, coverage = _beyond(edit, coarse)
        near = _likeness(coarse[..., -2] - own, difference) * reduce_plane(same, *small)
        change.add(difference, carry.share * near, near * coverage)
    return upsample(edit + _MOST * change.planes(), luma) + detail.planes()


def _beyond(edit: Array, coarse: Array) -> tuple[Array, Array]:
    """What a moved key frame's edit has beyond an estimate, [h, w, C], and its coverage."""
    coverage = coarse[..., -1].clip(0, 1)
    given = coarse[..., :-2] / coverage.clip(_COVERED)[..., None]
    return given - edit.transpose(1, 2, 0), coverage


def _likeness(lighter: Array, difference: Array) -> Array:
    """How far a key frame can be trusted with so much difference in luma and in the edit."""
    light = _mean(np.square(lighter), _COARSE_WINDOW) / _LUMA**2
    return 1 / ((1 + light) * (1 + np.square(difference).sum(-1) / _EDIT**2))


@dataclass
class _Mean:
    """Of values [H, W, C], by weights, each counted to an extent [H, W]."""

    total: Array = field(default_factory=lambda: np.zeros((), np.float32))
    weights: Array = field(default_factory=lambda: np.full((), 1e-6, np.float32))

    def add(self, values: Array, weight: Array, extent: Array) -> None:
        weight = np.asarray(weight, np.float32)
        self.total = self.total + (weight * extent)[..., None] * values
        self.weights = self.weights + weight

    def planes(self) -> Array:
        """[C, H, W]."""
        return np.asarray((self.total / self.weights[..., None]).transpose(2, 0, 1), np.float32)


def _agreement(one: Array, other: Array) -> Array:
    """How far two details are the same near each pixel, 0 to 1."""
    product, squares = (_mean(x, _FINE_WINDOW) for x in (one * other, one * one + other * other))
    return ((2 * product + _FLAT) / (squares + _FLAT)).clip(0, 1)


def _mean(plane: Array, window: int) -> Array:
    return cv2.blur(plane, (window, window))


def _moved(planes: Array, positions: Array) -> Array:
    return warp(planes, positions, cv2.INTER_CUBIC)


def _last(planes: Sequence[Array]) -> Array:
    return np.ascontiguousarray(np.stack(planes, axis=-1))
