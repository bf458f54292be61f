"""A key frame's radiance carried along at full size, for what is finer than an edit.

Luma cannot tell where it belongs, as for colour: where detail is wanted most, luma is clipped.
It counts where, reduced, it is what was carried at the small size; of several key frames, those
count more whose luma fits better.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.alignment import Flow, FlowConfig, Registration, enlarged, warp

from .hdr import from_edit
from .triples import largest

Array = NDArray[Any]

# Stops by which what arrived may differ and still count by two thirds: so many in flat
# places, and more by a share of the range of its neighbours, where edges are carried blurred.
_ALIKE = 0.45
_ALIKE_AT_EDGES = 0.4
_NEIGHBOURS = np.ones((3, 3), np.uint8)
# Levels of luma, of 255, by which two key frames may differ from the frame and still count nearly
# alike, as a root of the mean square over windows of so many pixels.
_LEVELS, _WINDOW = 5.0, 9


@dataclass(frozen=True, slots=True)
class RadianceCarry:
    """One key frame, on its way to another frame.

    stops: of the key frame, [H, W, 3].
    positions: [h, w, 2], where the frame's pixels were in the key frame, as (x, y); at a
        smaller size.
    share: of this key frame, where there are several: a number, or [h, w].
    """

    stops: Array
    positions: Array
    share: float | Array = 1.0


class KeyRadiance:
    """A key frame to be carried to frames.

    Args:
        stops: [H, W, 3].
        luma: [h, w], 8 bits, of the key frame as the clip shows it, at the size of guides.
    """

    def __init__(self, stops: Array, luma: NDArray[np.uint8]) -> None:
        self._stops = stops
        self._register = Registration(luma, Flow(FlowConfig(patch_stride=5)))

    def carried(self, luma: NDArray[np.uint8], positions: Array, share: float) -> RadianceCarry:
        """To a frame with this luma, [h, w]; positions are of half the size, and put right.

        Measured, K = 20, over positions of half the size alone: 0.2 dB, and 4% less error where
        frames are clipped.
        """
        fine, moved = self._register.at_full_size(luma, positions)
        residual = cv2.blur(np.square(luma - moved), (_WINDOW, _WINDOW))
        return RadianceCarry(self._stops, fine, share / (1 + residual / _LEVELS**2))


def brought(edit: Array, carries: Sequence[RadianceCarry]) -> tuple[Array, Array]:
    """What key frames bring to a frame whose edit [3, h, w] is of radiance itself.

    Returns:
        stops [H, W, 3], and how far they fit the edit, [H, W] in 0..1.
    """
    stops, shape = from_edit(edit, 0.0), carries[0].stops.shape[:2]
    total = np.zeros((*shape, 3), np.float32)
    weights, best = np.full(shape, 1e-6, np.float32), np.zeros(shape, np.float32)
    for carry in carries:
        arrived = _moved(carry)
        alike, change = _agreement(stops, arrived)
        weight = _share(carry) * np.square(alike)
        total += weight[..., None] * (arrived - change)
        weights += weight
        best = np.maximum(best, alike)
    return total / weights[..., None], best


def _agreement(stops: Array, arrived: Array) -> tuple[Array, Array]:
    """0 to 1, [H, W], and the one change of the light for all pixels, [3], left out of it."""
    small = cv2.resize(arrived, stops.shape[1::-1], interpolation=cv2.INTER_AREA)
    difference = small - stops
    change = np.median(difference[::2, ::2].reshape(-1, 3), axis=0)
    edges = np.minimum(_range(stops), _range(small))
    allowed = np.float32(_ALIKE) + np.float32(_ALIKE_AT_EDGES) * edges
    furthest = largest(np.abs(difference - change) / allowed)
    alike = np.exp(np.float32(-0.5) * np.square(furthest))
    return cv2.resize(alike, arrived.shape[1::-1], interpolation=cv2.INTER_LINEAR), change


def _range(stops: Array) -> Array:
    """The difference between the largest and the least neighbour, in each channel."""
    return cv2.dilate(stops, _NEIGHBOURS) - cv2.erode(stops, _NEIGHBOURS)


def _share(carry: RadianceCarry) -> Array:
    share, (height, width) = np.asarray(carry.share, np.float32), carry.stops.shape[:2]
    return cv2.resize(share, (width, height)) if share.ndim else share


def _moved(carry: RadianceCarry) -> Array:
    positions = enlarged(np.asarray(carry.positions, np.float32), carry.stops.shape[:2])
    return warp(carry.stops, positions, cv2.INTER_CUBIC)
