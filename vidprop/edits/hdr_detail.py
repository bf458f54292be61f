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

from .detail import enlarged_map
from .hdr import from_edit
from .triples import largest

Array = NDArray[Any]

_ALIKE = 0.45  # stops by which what arrived may differ and still count by two thirds


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
        weight = np.float32(carry.share) * np.square(alike)
        total += weight[..., None] * (arrived - change)
        weights += weight
        best = np.maximum(best, alike)
    return total / weights[..., None], best


def _agreement(stops: Array, arrived: Array) -> tuple[Array, Array]:
    """0 to 1, [H, W], and the one change of the light for all pixels, [3], left out of it."""
    small = cv2.resize(arrived, stops.shape[1::-1], interpolation=cv2.INTER_AREA)
    difference = small - stops
    change = np.median(difference.reshape(-1, 3), axis=0)
    furthest = largest(np.abs(difference - change))
    alike = np.exp(np.float32(-0.5) * np.square(furthest / np.float32(_ALIKE)))
    return cv2.resize(alike, arrived.shape[1::-1], interpolation=cv2.INTER_LINEAR), change


def _moved(carry: RadianceCarry) -> Array:
    return cv2.remap(
        np.asarray(carry.stops, np.float32),
        np.asarray(enlarged_map(carry.positions, carry.stops.shape[:2]), np.float32),
        None,
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
