"""Chroma planes of one size as chroma planes of another, by where their samples sit."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ._tags import UNKNOWN
from .formats import Plane, PlaneFormat

# Samples in steps of luma pixels from the first one, (across, down), for one halving.
# Untagged 4:2:0 and 4:2:2 are sited as MPEG-2 and all its successors do by default.
_SITES = {
    "left": (0.0, 0.5),
    "center": (0.5, 0.5),
    "topleft": (0.0, 0.0),
    "top": (0.5, 0.0),
    "bottomleft": (0.0, 1.0),
    "bottom": (0.5, 1.0),
    UNKNOWN: (0.0, 0.5),
}


def resample_chroma(
    planes: Plane, source: PlaneFormat, target: PlaneFormat, luma_shape: tuple[int, ...]
) -> Plane:
    """Chroma [2, h, w] of `source` at the size `target` stores it, bilinear, same codes."""
    if source.subsampling == target.subsampling:
        return planes
    size = target.chroma_size(*luma_shape)
    return np.stack([_resample(plane, source, target, size) for plane in planes])


def _resample(
    plane: Plane, source: PlaneFormat, target: PlaneFormat, size: tuple[int, int]
) -> Plane:
    steps = [
        2.0 ** (new - old) for new, old in zip(target.subsampling, source.subsampling, strict=True)
    ]
    offsets = [
        (new - old) / 2**halvings
        for new, old, halvings in zip(_site(target), _site(source), source.subsampling, strict=True)
    ]
    sampled = _sampled(_smoothed(plane, steps), steps, offsets, size)
    return sampled if sampled.dtype == plane.dtype else np.rint(sampled).astype(plane.dtype)


def _site(stored: PlaneFormat) -> tuple[float, float]:
    across, down = _SITES.get(stored.chroma_location, _SITES[UNKNOWN])
    first = (across if stored.subsampling[0] else 0.0, down if stored.subsampling[1] else 0.0)
    # A site half-way between luma pixels is half-way between four of them at 4:1:0, too.
    return first[0] * (2 ** stored.subsampling[0] - 1), first[1] * (2 ** stored.subsampling[1] - 1)


def _smoothed(plane: Plane, steps: list[float]) -> Plane:
    """Averages before samples are dropped; the bilinear sampling does the rest."""
    kernels = [_tent(step) for step in steps]
    if all(len(kernel) == 1 for kernel in kernels):
        return plane
    smooth: Plane = cv2.sepFilter2D(
        plane, cv2.CV_32F, kernels[0], kernels[1], borderType=cv2.BORDER_REPLICATE
    )
    return smooth


def _tent(step: float) -> NDArray[np.float32]:
    if step <= 1:
        return np.ones(1, np.float32)
    reach = int(step) - 1
    tent = np.array([step - abs(k) for k in range(-reach, reach + 1)], np.float32)
    return tent / tent.sum()


def _sampled(
    plane: Plane, steps: list[float], offsets: list[float], size: tuple[int, int]
) -> Plane:
    matrix = np.array([[steps[0], 0, offsets[0]], [0, steps[1], offsets[1]]])
    sampled: Plane = cv2.warpAffine(
        plane,
        matrix,
        (size[1], size[0]),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return sampled
