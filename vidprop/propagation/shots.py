"""Where one shot ends and the next begins: cuts, and fades through black."""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray
from scenedetect import FrameTimecode
from scenedetect.detectors import AdaptiveDetector, ThresholdDetector

from vidprop.edits.colour import likeness
from vidprop.edits.guide import unit_guide

Guide = NDArray[np.uint8]

_HEIGHT = 96
_SHORTEST_SHOT = 4
_SAME_SHOT_LIKENESS = 0.7


class ShotFinder:
    """Takes the guides of a clip one by one and keeps no frame but the last.

    PySceneDetect's adaptive detector compares a change of luma with the changes
    round it, so that a fast pan is no cut; its threshold detector finds fades.
    Both count in frames: the rate given to them is a stand-in. A sudden change
    between two frames that still look alike (a shaken camera) is no cut either.
    """

    def __init__(self) -> None:
        # Luma alone changes less than colour does, so the least change is set lower.
        self._changes = AdaptiveDetector(
            luma_only=True, min_scene_len=_SHORTEST_SHOT, min_content_val=8.0
        )
        self._fades = ThresholdDetector(threshold=8, min_scene_len=_SHORTEST_SHOT)
        self._cuts: set[int] = set()
        self._last: Guide | None = None
        self._alike: list[bool] = []

    def add(self, guide: Guide) -> None:
        """Look at the next frame's guide, 8 bits [H, W]."""
        small = _small(guide)
        time = FrameTimecode(len(self._alike), fps=25.0)
        self._alike.append(self._last is not None and _alike(self._last, small))
        self._last = small
        picture = cv2.cvtColor(small, cv2.COLOR_GRAY2BGR)
        changes = [cut.frame_num for cut in self._changes.process_frame(time, picture)]
        self._cuts.update(cut for cut in changes if not self._alike[cut])
        self._cuts.update(cut.frame_num for cut in self._fades.process_frame(time, picture))

    def cuts(self) -> tuple[int, ...]:
        """The first frame of every shot but the first, rising."""
        return tuple(_apart(self._cuts, len(self._alike)))

    def cuts_until(self, frame: int) -> int:
        """How many of the cuts known so far lie at or before this frame."""
        return sum(cut <= frame for cut in self.cuts())


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
