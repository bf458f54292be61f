"""The HDR edit: a frame's LDR picture is the guide, log2 radiance is what is propagated.

Radiance is linear RGB in the primaries of the clip, at any scale; stops are its
log2. What is propagated is stops from the middle of the exposure, in units that
suit a network.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.color.matrices import BT709, Primaries, convert_primaries, luma_matrix
from vidprop.color.transfer import srgb_encode
from vidprop.errors import KeyFrameError

Array = NDArray[np.floating]

STOPS_PER_UNIT = 8.0
"""Stops in one unit of the edit that networks see."""
LEAST_LIKENESS = 0.5
_DEEPEST = 14.0  # stops below a key frame's median under which all is black
_SMALL_SIDE = 64


@dataclass(frozen=True, slots=True)
class Repairs:
    """How many values of a key frame were not light, and were replaced."""

    nan: int = 0
    infinite: int = 0
    negative: int = 0
    zero: int = 0

    @property
    def worth_telling(self) -> bool:
        """Whether there were any but zeros and rounding below zero."""
        return bool(self.nan or self.infinite)


@dataclass(frozen=True, slots=True)
class RadianceKey:
    """A key frame in a clip's own terms: stops [H, W, 3], and what had to be mended."""

    stops: NDArray[np.float32]
    repairs: Repairs


def radiance_key(
    radiance: NDArray[Any],
    height: int,
    width: int,
    primaries: Primaries = BT709,
    working: Primaries = BT709,
) -> RadianceKey:
    """Read an HDR picture as a key frame of a clip of `height` x `width`.

    NaN and what is 0 or less become the darkest radiance kept, infinity the
    brightest there is in the picture. A larger picture is reduced in linear light.

    Args:
        radiance: [h, w, 3 or more], float; a fourth channel is ignored.
        primaries: of the picture. working: of the clip.
    Raises:
        KeyFrameError: the picture has no three channels, is smaller than the clip or of
            another shape, or holds no light.
    """
    _check_picture(radiance, height, width)
    linear, repairs = _mended(radiance[..., :3].astype(np.float32))
    if linear.shape[:2] != (height, width):
        linear = cv2.resize(linear, (width, height), interpolation=cv2.INTER_AREA)
    linear = np.asarray(convert_primaries(linear, primaries, working), np.float32)
    lit = linear[linear > 0]
    if not lit.size:
        raise KeyFrameError("key frame: it holds no light, all its pixels are 0 or less")
    floor = np.float32(max(float(np.median(lit)) * 2.0**-_DEEPEST, 1e-30))
    return RadianceKey(np.log2(np.maximum(linear, floor)), repairs)


def check_likeness(number: int, luma: Array, key: RadianceKey) -> None:
    """Make sure that a key frame shows what its frame shows.

    Args:
        number: of the frame, for the message.
        luma: of the clip's frame, [H, W].
    Raises:
        KeyFrameError: the order of bright and dark is another one.
    """
    alike = rank_likeness(luma, key.stops.mean(axis=-1))
    if alike < LEAST_LIKENESS:
        raise KeyFrameError(
            f"key frame {number} does not show what frame {number} of the clip shows: "
            f"what is bright and dark agrees by {alike:.2f}, at least {LEAST_LIKENESS} is needed"
        )


def rank_likeness(one: Array, other: Array) -> float:
    """How far two pictures agree on what is brighter than what: 1 for any two exposures.

    The rank correlation of both, reduced to 64 lines. Two pictures without contrast agree.
    """
    ranks = [_ranks(_small(picture)) for picture in (one, other)]
    centred = [r - r.mean() for r in ranks]
    deviations = [float(r.std()) for r in centred]
    if max(deviations) == 0.0:
        return 1.0
    if min(deviations) == 0.0:
        return 0.0
    return float((centred[0] * centred[1]).mean() / (deviations[0] * deviations[1]))


def to_edit(stops: Array, middle: Array | float) -> NDArray[np.float32]:
    """Stops [h, w, 3] as an edit [3, h, w] in units of the network, `middle` [3] at 0."""
    moved = (stops - middle) / STOPS_PER_UNIT
    return np.ascontiguousarray(moved.transpose(2, 0, 1), dtype=np.float32)


def from_edit(edit: Array, middle: Array | float) -> NDArray[np.float32]:
    """An edit [3, h, w] as stops [h, w, 3]: the inverse of `to_edit`."""
    moved = edit.transpose(1, 2, 0) * STOPS_PER_UNIT + middle
    return np.ascontiguousarray(moved, dtype=np.float32)


def luma_of(signal: Array) -> NDArray[np.float32]:
    """The guide of a frame: BT.709 luma [..., H, W] of R'G'B' [..., H, W, 3]."""
    return signal @ luma_matrix("bt709")[0].astype(np.float32)


def middle_of(stops: Array) -> float:
    """What a network shall see as 0: the median of a key frame's stops."""
    return float(np.median(stops))


def tone_mapped(stops: Array) -> NDArray[np.uint8]:
    """A picture [H, W, 3] for an SDR screen of stops above diffuse white, 0 at white.

    Each channel is rolled off so that white lands at three quarters of the light and
    three stops above it near the top, then coded as sRGB.
    """
    light = np.exp2(np.minimum(stops, 30.0).astype(np.float32)) * np.float32(3)
    return np.rint(srgb_encode(light / (1 + light)) * 255).astype(np.uint8)


def _mended(linear: Array) -> tuple[Array, Repairs]:
    finite = np.isfinite(linear)
    repairs = Repairs(
        nan=int(np.isnan(linear).sum()),
        infinite=int(np.isinf(linear).sum()),
        negative=int((linear[finite] < 0).sum()),
        zero=int((linear == 0).sum()),
    )
    brightest = float(linear[finite].max(initial=0.0))
    mended = np.nan_to_num(linear, nan=0.0, posinf=brightest, neginf=0.0)
    return np.maximum(mended, 0), repairs


def _check_picture(radiance: NDArray[Any], height: int, width: int) -> None:
    if radiance.ndim != 3 or radiance.shape[2] < 3:
        raise KeyFrameError(
            f"key frame: an HDR picture with R, G and B is needed, got shape {radiance.shape}"
        )
    rows, columns = radiance.shape[:2]
    if rows < height or columns < width:
        raise KeyFrameError(
            f"key frame of {columns}x{rows} is smaller than the clip, {width}x{height}"
        )
    if abs(columns * height - rows * width) > max(height, width, rows, columns):
        raise KeyFrameError(
            f"key frame of {columns}x{rows} has another shape than the clip, {width}x{height}"
        )


def _small(picture: Array) -> Array:
    height, width = picture.shape
    scale = min(1.0, _SMALL_SIDE / min(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(np.asarray(picture, np.float32), size, interpolation=cv2.INTER_AREA)


def _ranks(values: Array) -> Array:
    """The rank of each value, equal ones sharing theirs."""
    flat = values.ravel()
    ordered = np.sort(flat)
    ends = [np.searchsorted(ordered, flat, side=side) for side in ("left", "right")]
    return np.mean(ends, axis=0)
