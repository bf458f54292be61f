"""Radiance that was carried at half the size, joined with the picture of its frame.

What the picture says is trusted in its luminance alone: compressed video keeps colours at
half the size, and a camera may mix channels before its curves. Beside what is clipped it is
trusted less, as light is smeared there by lens, motion and codec.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.color.matrices import BT709, rgb_to_xyz_matrix

from .camera_curve import CameraCurve, Reading
from .camera_exposure import offset, tells
from .hdr import from_edit, to_edit
from .hdr_detail import RadianceCarry, brought
from .triples import least, mean, weighted
from .upsampling import upsample

Array = NDArray[Any]

_SLACK = 0.1  # stops by which a clipped pixel may lie below the camera's white
_LUMINANCE = rgb_to_xyz_matrix(BT709)[1:2].astype(np.float32)
_NEIGHBOURS = np.ones((3, 3), np.uint8)
_ROWS = 32


def filled(
    edit: Array, signal: Array, curve: CameraCurve, carries: Sequence[RadianceCarry] = ()
) -> NDArray[np.float32]:
    """The stops [H, W, 3] of a frame from its edit [3, h, w] and its picture [H, W, 3].

    The edit is of radiance itself: 0 is radiance 1. See `enlarged` and `join`.
    """
    reading = curve.read(signal)
    stops, shift = enlarged(edit, signal, reading, carries)
    return stops if shift is None else _join_by_rows(stops, shift, reading)


def _join_by_rows(stops: Array, shift: Array, reading: Reading) -> NDArray[np.float32]:
    """`join` of some rows at a time, which stay in the processor's cache."""
    joined = np.empty_like(stops)
    for top in range(0, len(stops), _ROWS):
        part = slice(max(0, top - 1), top + _ROWS + 1)  # a row more for neighbours
        found = join(stops[part], shift, Reading(*(plane[part] for plane in reading)))
        joined[top : top + _ROWS] = found[top - part.start :][:_ROWS]
    return joined


def enlarged(
    edit: Array, signal: Array, reading: Reading, carries: Sequence[RadianceCarry] = ()
) -> tuple[Array, Array | None]:
    """What an edit says of a frame at its full size, and what exposure the frame has by it.

    Where a key frame, moved along at full size, agrees with the edit, it is taken itself.
    Elsewhere the fine detail an edit lacks is what the same enlargement loses of the
    curve's stops, where these can be trusted, but for what may be noise.

    Args:
        edit: [3, h, w], of radiance itself: 0 is radiance 1. signal: [H, W, 3].
        reading: of the signal. carries: of the key frames.
    Returns:
        stops [H, W, 3], and the offset [3] that brings the curve's stops to them; None if
        too little of the frame is well exposed to tell.
    """
    size = edit.shape[:0:-1]
    luma = mean(signal)
    shown, trust = (
        cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        for image in (reading.stops, reading.trust)
    )
    sure = least(trust)
    shift = offset(from_edit(edit, 0.0), shown, sure) if tells(sure) else None
    detail = reading.stops - from_edit(upsample(to_edit(shown, 0.0), luma), 0.0)
    detail *= reading.trust * _above_noise(detail, reading)
    large = from_edit(upsample(edit.astype(np.float32), luma), 0.0) + detail
    if carries:
        arrived, agreement = brought(edit, carries)
        large += agreement[..., None] * (arrived - large)
    return large, shift


def join(carried: Array, shift: Array, reading: Reading) -> NDArray[np.float32]:
    """The stops of a frame from what was carried to it and from its own picture.

    Where the camera shows a pixel well, the luminance of the carried value is kept within
    what rounding and noise of the picture's codes leave open: the result follows the
    picture, without its banding. Where it is clipped or crushed the carried value holds, but
    not below what clips, nor above what is black. Between, both are blended.

    Args:
        carried: stops [H, W, 3]. shift: [3], stops to add to the curve's.
        reading: of the picture.
    Returns:
        [H, W, 3], log2 radiance.
    """
    shift = np.asarray(shift, np.float32)
    low, high = reading.low + shift, reading.high + shift
    light = _light(carried)
    pull = np.clip(light, _light(low), _light(high)) - light
    joined = carried + (_sure(reading.trust) * pull)[..., None]
    joined += (1 - reading.trust) * (_bounded(joined, reading, shift) - joined)
    return np.asarray(joined, np.float32)


def _sure(trust: Array) -> Array:
    """How far all channels [H, W, 3] can be trusted, less beside where they cannot: [H, W]."""
    sure = least(trust)
    return sure * cv2.blur(sure, (3, 3))


def _light(stops: Array) -> Array:
    """Log2 luminance [H, W] of stops [H, W, 3]."""
    return np.log2(weighted(np.exp2(stops), _LUMINANCE))


def _above_noise(detail: Array, reading: Reading) -> Array:
    """The share of a detail's energy that noise of the picture's codes leaves."""
    # The interval is two deviations to either side.
    noise = np.square((reading.high - reading.low) / 4)
    energy = np.square(detail)
    return energy / (energy + noise + np.float32(1e-9))


def _bounded(carried: Array, reading: Reading, shift: Array) -> Array:
    """`carried` not darker than white where the picture is bright, nor lighter than black.

    White is the darkest of a pixel and its neighbours, as codecs smear.
    """
    white, black = cv2.erode(reading.stops, _NEIGHBOURS), cv2.dilate(reading.stops, _NEIGHBOURS)
    above = np.maximum(carried, white + (shift - np.float32(_SLACK)))
    below = np.minimum(carried, black + (shift + np.float32(_SLACK)))
    return carried + reading.bright * (above - carried) + reading.dark * (below - carried)
