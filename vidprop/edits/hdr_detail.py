"""What of a key frame's radiance is finer than the size networks work at, carried along.

Luma cannot tell where it belongs, as for colour: where detail is wanted most, luma is clipped.
It counts where the key frame's radiance at the small size arrived as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .camera_curve import CameraCurve
from .detail import enlarged_map
from .hdr import from_edit, to_edit
from .triples import largest, mean
from .upsampling import upsample

Array = NDArray[Any]

_ALIKE = 0.6  # stops by which what arrived may differ and still count by two thirds


@dataclass(frozen=True, slots=True)
class RadianceDetail:
    """What a key frame has beyond its enlarged edit, in stops [H, W, 3]; and small, [h, w, 3]."""

    finer: Array
    small: Array

    @classmethod
    def of(
        cls, stops: Array, small: tuple[int, ...], curve: CameraCurve, shift: Array
    ) -> "RadianceDetail":
        """The detail of a key frame [H, W, 3] that is propagated at the size `small`.

        Args:
            curve: of the camera, and shift: [3], stops by which the key frame lies above
                it; by them the key frame's own picture is known.
        """
        reduced = cv2.resize(stops, small[::-1], interpolation=cv2.INTER_AREA)
        luma = mean(curve.signal(stops - shift))
        finer = stops - from_edit(upsample(to_edit(reduced, 0.0), luma), 0.0)
        return cls(np.asarray(finer, np.float32), reduced)


@dataclass(frozen=True, slots=True)
class RadianceCarry:
    """The detail of one key frame, on its way to another frame.

    positions: [h, w, 2], where the frame's pixels were in the key frame, as (x, y); at the
        small size.
    share: of this key frame, where there are several.
    """

    detail: RadianceDetail
    positions: Array
    share: float = 1.0


def brought(
    edit: Array, carries: Sequence[RadianceCarry], shape: tuple[int, ...]
) -> tuple[Array, Array]:
    """Detail [H, W, 3] for an edit [3, h, w] of radiance itself, and how far it fits, [H, W]."""
    stops = from_edit(edit, 0.0)
    total = np.zeros((*shape, 3), np.float32)
    weights, best = np.full(shape, 1e-6, np.float32), np.zeros(shape, np.float32)
    for carry in carries:
        alike = _agreement(stops, _moved(carry.detail.small, carry.positions))
        alike = cv2.resize(alike, shape[::-1], interpolation=cv2.INTER_LINEAR)
        weight = np.float32(carry.share) * alike
        finer = _moved(carry.detail.finer, enlarged_map(carry.positions, shape))
        total += (weight * alike)[..., None] * finer
        weights += weight
        best = np.maximum(best, alike)
    return total / weights[..., None], best


def _agreement(stops: Array, arrived: Array) -> Array:
    """0 to 1, [h, w]; one change of the light for all pixels does not count."""
    difference = arrived - stops
    difference -= np.median(difference, axis=(0, 1))
    furthest = largest(np.abs(difference))
    return np.exp(np.float32(-0.5) * np.square(furthest / np.float32(_ALIKE)))


def _moved(image: Array, positions: Array) -> Array:
    return cv2.remap(
        np.ascontiguousarray(image, np.float32),
        np.asarray(positions, np.float32),
        None,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
