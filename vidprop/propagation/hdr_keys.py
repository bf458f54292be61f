"""HDR key frames: read, placed, compared with their frames, and the camera curves they give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from vidprop.color.matrices import BT709, Primaries
from vidprop.edits.camera_curve import CameraCurve
from vidprop.edits.camera_fit import CurveFit, KeyPair, fit_curve
from vidprop.edits.hdr import (
    RadianceKey,
    check_likeness,
    luma_of,
    radiance_key,
    to_edit,
    tone_mapped,
)
from vidprop.edits.keyfiles import KeyFile
from vidprop.edits.upsampling import reduce_plane
from vidprop.errors import KeyFrameError
from vidprop.video import read_exr, read_image

from .contract import Array, KeyEdit
from .hdr_clip import Signal, SignalClip
from .keys import Key
from .plan import digest

_PAIR_PIXELS = 200_000


@dataclass(frozen=True, slots=True)
class HdrKeyReader:
    """Reads HDR pictures for one clip.

    size: height and width of the clip. working: the size of its guides.
    primaries: of the clip.
    """

    size: tuple[int, int]
    working: tuple[int, int]
    primaries: Primaries

    def radiance(self, path: Path) -> RadianceKey:
        """The picture at the clip's size, in its primaries.

        Raises:
            DecodeError: it cannot be read.
            KeyFrameError: it is no HDR picture that fits the clip.
        """
        pixels, primaries = read_radiance(path)
        try:
            return radiance_key(pixels, *self.size, primaries, self.primaries)
        except KeyFrameError as error:
            raise KeyFrameError(f"{path}: {error}") from error

    def key(self, file: KeyFile) -> Key:
        """The picture reduced to what propagation reads."""
        stops = self.radiance(file.path).stops
        height, width = self.working
        small = cv2.resize(stops, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        edit = KeyEdit.full(to_edit(small, 0.0))
        identity = digest(edit.edit.tobytes())
        return Key(file.path, file.number, edit, self._luma(stops), False, identity)

    def _luma(self, stops: Array) -> Array:
        """What a camera might show of it, to find its frame by."""
        shown = tone_mapped(stops - np.median(stops) - 2).astype(np.float32) / np.float32(255)
        return reduce_plane(luma_of(shown), *self.working)


def read_radiance(path: Path) -> tuple[Array, Primaries]:
    """Pixels [H, W, 3] as they are stored, and their primaries.

    Raises:
        DecodeError: the file cannot be read.
        KeyFrameError: it holds no linear light.
    """
    if path.suffix.lower() == ".exr":
        image = read_exr(path)
        return image.pixels, image.chromaticities or BT709
    pixels = read_image(path)
    if not np.issubdtype(pixels.dtype, np.floating):
        raise KeyFrameError(f"{path}: an HDR picture is needed, EXR or Radiance")
    return pixels, BT709


@dataclass(frozen=True, slots=True)
class ShotCurve:
    """The camera curve of one shot, and how its key frames lie to it.

    offsets: stops [3] by number, to be added to the curve's.
    errors: in stops, by number.
    """

    curve: CameraCurve
    offsets: Mapping[int, Array]
    errors: Mapping[int, float]

    def nearest_offset(self, frame: int) -> Array:
        """That of the key frame nearest in time."""
        return self.offsets[min(self.offsets, key=lambda number: abs(number - frame))]


class Curves:
    """The camera curves of a clip's shots; a shot without key frame takes the nearest one's."""

    def __init__(self, by_shot: Mapping[range, ShotCurve]) -> None:
        self._by_shot = by_shot

    @property
    def identity(self) -> str:
        """A digest of all the curves."""
        return digest(*(shot.curve.table.tobytes() for shot in self._by_shot.values()))

    def at(self, frame: int) -> ShotCurve:
        """The curve of a frame's shot."""
        return self._by_shot[min(self._by_shot, key=lambda shot: _distance(shot, frame))]

    def exposure(self, number: int) -> tuple[Array, float]:
        """A key frame's stops [3] above the first of its shot, and its error."""
        shot = self.at(number)
        return shot.offsets[number], shot.errors[number]


def fit_curves(
    keys: Mapping[int, Key], shots: Sequence[range], clip: SignalClip, reader: HdrKeyReader
) -> Curves:
    """Find the camera curve of every shot that has key frames.

    Raises:
        KeyFrameError: a key frame does not show what its frame shows.
    """
    depth = clip.clip.info.format.bit_depth
    by_shot = {}
    for shot in shots:
        numbers = [number for number in keys if number in shot]
        pairs = [_pair(keys[n], signal, reader) for n, signal in clip.signals(numbers)]
        if pairs:
            by_shot[shot] = _of_shot(sorted(numbers), fit_curve(pairs, depth))
    return Curves(by_shot)


def _of_shot(numbers: Sequence[int], fit: CurveFit) -> ShotCurve:
    offsets = dict(zip(numbers, fit.offsets, strict=True))
    errors = {number: float(error) for number, error in zip(numbers, fit.errors, strict=True)}
    return ShotCurve(fit.curve, offsets, errors)


def _pair(key: Key, signal: Signal, reader: HdrKeyReader) -> KeyPair:
    """Every so many pixels of a frame and its key frame: enough for the curve, and its noise."""
    assert key.picture is not None
    assert key.number is not None
    radiance = reader.radiance(key.picture)
    try:
        check_likeness(key.number, luma_of(signal), radiance)
    except KeyFrameError as error:
        raise KeyFrameError(f"{key.picture}: {error}") from error
    step = max(1, int(np.sqrt(signal.shape[0] * signal.shape[1] / _PAIR_PIXELS)))
    chosen = np.s_[::step, ::step]
    return KeyPair(
        np.ascontiguousarray(signal[chosen]), np.ascontiguousarray(radiance.stops[chosen])
    )


def _distance(shot: range, frame: int) -> int:
    return max(shot.start - frame, frame - shot.stop + 1, 0)
