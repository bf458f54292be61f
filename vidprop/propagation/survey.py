"""One look at the whole clip before the work begins: its length, shots, and key frames."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.edits.colour import likeness
from vidprop.edits.guide import unit_guide

from .contract import Array
from .shots import ShotFinder

Guide = NDArray[np.uint8]

_THUMBNAIL = (32, 18)


@dataclass(slots=True)
class Search:
    """A painted picture without a number, and the frame most like it so far."""

    luma: Array
    frame: int = -1
    likeness: float = -2.0

    def look(self, frame: int, guide: Array) -> None:
        found = likeness(self.luma, guide, lines=min(guide.shape))
        if found > self.likeness:
            self.frame, self.likeness = frame, found


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known of a clip before any edit is carried.

    first: the number of its first frame, unless it is 0 the start of an excerpt.
    stop: one past the last.
    guides: those of the frames that were asked for.
    thumbnails: [N, 18, 32], luma of every frame, to compare shots.
    """

    first: int
    stop: int
    cuts: tuple[int, ...]
    guides: Mapping[int, Guide] = field(repr=False)
    thumbnails: NDArray[np.uint8] = field(repr=False)


def survey(
    guides: Iterable[tuple[int, Guide]],
    wanted: Sequence[int] = (),
    searches: Sequence[Search] = (),
    look: Callable[[int], None] = lambda frame: None,
) -> Survey:
    """Look through the numbered guides of a clip.

    Args:
        wanted: frames whose guides are to be kept.
        searches: pictures to be found; each notes the frame most like it, and
            the guide there is kept too.
        look: told the number of each frame.
    """
    finder, keeper = ShotFinder(), _Keeper(frozenset(wanted), searches)
    first, stop = 0, 0
    for number, guide in guides:
        first = number if stop == 0 else first
        stop = number + 1
        finder.add(guide)
        keeper.add(number, guide)
        look(number)
    cuts = tuple(first + cut for cut in finder.cuts())
    thumbnails = np.array(keeper.thumbnails, np.uint8).reshape(-1, *_THUMBNAIL[::-1])
    return Survey(first, stop, cuts, keeper.guides(), thumbnails)


class _Keeper:
    def __init__(self, wanted: frozenset[int], searches: Sequence[Search]) -> None:
        self._wanted = wanted
        self._searches = searches
        self._kept: dict[int, Guide] = {}
        self._found: list[Guide | None] = [None] * len(searches)
        self.thumbnails: list[Guide] = []

    def add(self, number: int, guide: Guide) -> None:
        self.thumbnails.append(cv2.resize(guide, _THUMBNAIL, interpolation=cv2.INTER_AREA))
        if number in self._wanted:
            self._kept[number] = guide
        for place, search in enumerate(self._searches):
            search.look(number, unit_guide(guide))
            if search.frame == number:
                self._found[place] = guide

    def guides(self) -> dict[int, Guide]:
        pairs = zip(self._searches, self._found, strict=True)
        return self._kept | {s.frame: guide for s, guide in pairs if guide is not None}
