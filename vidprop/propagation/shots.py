"""Where one shot ends and the next begins: cuts, and fades through black."""

from collections import deque
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray
from scenedetect import FrameTimecode
from scenedetect.detectors import AdaptiveDetector, ThresholdDetector

from vidprop.edits.colour import likeness
from vidprop.edits.guide import unit_guide

Guide = NDArray[np.uint8]

HINDSIGHT = 2
"""A cut is known when so many frames after its own have been seen."""

_HEIGHT = 96
_SHORTEST_SHOT = 4
_BLACK = 8
_SAME_SHOT_LIKENESS = 0.7


class ShotFinder:
    """Takes the guides of a clip one by one and keeps only the last four.

    PySceneDetect's adaptive detector compares a change of luma with the changes
    round it, so that a fast pan is no cut; its threshold detector finds fades.
    Both count in frames: the rate given to them is a stand-in. No cut either is a
    change after which the frame before still has its like: a flash, a shaken camera.
    """

    def __init__(self) -> None:
        # Luma alone changes less than colour does, so the least change is set lower.
        self._changes = AdaptiveDetector(
            luma_only=True,
            min_scene_len=_SHORTEST_SHOT,
            min_content_val=8.0,
            window_width=HINDSIGHT,
        )
        self._fades = ThresholdDetector(threshold=_BLACK, min_scene_len=_SHORTEST_SHOT)
        self._cuts: set[int] = set()
        self._recent: deque[Guide] = deque(maxlen=HINDSIGHT + 2)
        self._count = 0

    def add(self, guide: Guide) -> None:
        """Look at the next frame's guide, 8 bits [H, W]."""
        small = _small(guide)
        time = FrameTimecode(self._count, fps=25.0)
        self._recent.append(small)
        self._count += 1
        picture = cv2.cvtColor(small, cv2.COLOR_GRAY2BGR)
        # The detector reports a change when it has seen the frames of its window after it.
        if (found := self._changes.process_frame(time, picture)) and self._is_cut():
            self._cuts.update(cut.frame_num for cut in found)
        self._cuts.update(cut.frame_num for cut in self._fades.process_frame(time, picture))

    def cuts(self) -> tuple[int, ...]:
        """The first frame of every shot but the first, rising."""
        return tuple(_apart(self._cuts, self._count))

    def cuts_until(self, frame: int) -> int:
        """How many of the cuts known so far lie at or before this frame."""
        return sum(cut <= frame for cut in self.cuts())

    def _is_cut(self) -> bool:
        before, *after = self._recent
        # To and from black the other detector decides.
        if min(before.mean(), after[0].mean()) < _BLACK:
            return False
        return not any(_alike(before, guide) for guide in after)


def find_cuts(guides: Iterable[Guide]) -> tuple[int, ...]:
    """The first frame of every shot but the first."""
    finder = ShotFinder()
    for guide in guides:
        finder.add(guide)
    return finder.cuts()


def _small(guide: Guide) -> Guide:
    height, width = guide.shape
    if height <= _HEIGHT:
        return guide
    size = (max(1, round(width * _HEIGHT / height)), _HEIGHT)
    return cv2.resize(guide, size, interpolation=cv2.INTER_AREA)


def _alike(one: Guide, other: Guide) -> bool:
    return likeness(unit_guide(one), unit_guide(other)) > _SAME_SHOT_LIKENESS


def _apart(cuts: set[int], frame_count: int) -> Iterable[int]:
    # Two detectors may report the two ends of one change.
    last = 0
    for cut in sorted(cuts):
        if cut - last >= _SHORTEST_SHOT and cut < frame_count:
            last = cut
            yield cut
