"""A key frame's radiance carried along at full size, for what is finer than an edit.

Luma cannot tell where it belongs, as for colour: where detail is wanted most, luma is clipped.
It counts where, reduced, it is what was carried at the small size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.alignment import enlarged

from .hdr import from_edit
from .triples import largest

Array = NDArray[Any]

# Stops by which what arrived may differ and still count by two thirds: so many in flat
# places, and more by a share of the range of its neighbours, where edges are carried blurred.
_ALIKE = 0.45
_ALIKE_AT_EDGES = 0.4
_NEIGHBOURS = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class RadianceCarry:
    """One key frame, on its way to another frame.

    stops: of the key frame, [H, W, 3].
    positions: [h, w, 2], where the frame's pixels were in the key frame, as (x, y); at the
        small size.
    share: of this key frame, where there are several.
    """

    stops: Array
    positions: Array
    share: float = 1.0


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
        weight = np.float32(carry.share) * alike * np.square(alike)
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


def _moved(carry: RadianceCarry) -> Array:
    return cv2.remap(
        np.asarray(carry.stops, np.float32),
        enlarged(np.asarray(carry.positions, np.float32), carry.stops.shape[:2]),
        None,
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
