"""Which frames of a clip are worth painting, before any is."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.alignment import Flow, FlowConfig, flow_positions, luma_residual
from vidprop.edits.keyframes import KeyFrames
from vidprop.errors import InputError

from .contract import Array
from .shots import ShotFinder

Guide = NDArray[np.uint8]

_LINES = 96
# A pixel whose luma differs by more, once motion is followed, shows something new.
_NEW = 24
# When this share of the frame has been replaced, another key frame pays.
_REPLACED = 1.0
_LEAST_CONTRAST = 0.5


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The frames worth painting, and the frames of each shot."""

    frames: tuple[int, ...]
    shots: tuple[range, ...]


def suggest(
    guides: Iterable[tuple[int, Guide]],
    longest: int,
    look: Callable[[int], None] = lambda frame: None,
) -> Suggestion:
    """Choose key frames for a clip.

    Every shot gets at least one. Between two of them lie at most `longest` frames,
    fewer where things move into view. Each serves about as much before it as after.

    Args:
        guides: numbered, 8 bits.
        longest: frames from one key frame to the next, at most.
    Raises:
        InputError: `longest` is less than 1.
    """
    if longest < 1:
        raise InputError(f"most: at least 1 frame from key frame to key frame, got {longest}")
    finder, motion = ShotFinder(), _Motion()
    numbers: list[int] = []
    for number, guide in guides:
        finder.add(guide)
        motion.add(guide)
        numbers.append(number)
        look(number)
    shots = tuple(KeyFrames.at([], len(numbers), finder.cuts()).shots())
    chosen = [n for shot in shots for n in _of_shot(shot, motion, longest)]
    first = numbers[0] if numbers else 0
    moved = tuple(range(shot.start + first, shot.stop + first) for shot in shots)
    return Suggestion(tuple(n + first for n in chosen), moved)


def _of_shot(shot: range, motion: "_Motion", longest: int) -> Iterator[int]:
    costs = np.array(motion.new[shot.start : shot.stop]) / _REPLACED + 1 / longest
    costs[0] = 0.0
    spent = np.cumsum(costs)
    count = max(1, int(np.ceil(spent[-1] - 1e-9)))
    good = _good(np.array(motion.contrast[shot.start : shot.stop]))
    wanted = (np.arange(count) + 0.5) * spent[-1] / count
    places = {int(good[np.argmin(np.abs(spent[good] - cost))]) for cost in wanted}
    return (shot.start + place for place in sorted(places))


def _good(contrast: Array) -> NDArray[np.intp]:
    """Places that show as much as the shot does, not the dark of a fade."""
    return np.flatnonzero(contrast >= _LEAST_CONTRAST * np.median(contrast))


class _Motion:
    """new: the share of each frame that the frame before does not show."""

    def __init__(self) -> None:
        self.new: list[float] = []
        self.contrast: list[float] = []
        self._flow = Flow(FlowConfig(finest_scale=1, descent_iterations=8))
        self._last: Guide | None = None

    def add(self, guide: Guide) -> None:
        small = _small(guide)
        self.contrast.append(float(small.std()))
        self.new.append(0.0 if self._last is None else self._share(small, self._last))
        self._last = small

    def _share(self, now: Guide, before: Guide) -> float:
        positions = flow_positions(self._flow(now, before))
        residual = np.abs(luma_residual(now, before, positions))
        x, y = positions[..., 0], positions[..., 1]
        height, width = now.shape
        outside = (x < -0.5) | (y < -0.5) | (x > width - 0.5) | (y > height - 0.5)
        return float(((residual > _NEW) | outside).mean())


def _small(guide: Guide) -> Guide:
    scale = min(1.0, _LINES / min(guide.shape))
    height, width = (max(1, round(side * scale)) for side in guide.shape)
    return cv2.resize(guide, (width, height), interpolation=cv2.INTER_AREA)
