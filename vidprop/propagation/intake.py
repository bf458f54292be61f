"""Frames that come in one by one: checked, with their guides, key frames and cuts."""

from collections import deque
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidprop.edits.colour import PaintedKey, painted_key
from vidprop.edits.guide import working_guide, working_size
from vidprop.errors import InputError, KeyFrameError
from vidprop.video import PlaneFormat

from .planes import as_numpy
from .shots import HINDSIGHT, ShotFinder


@dataclass(frozen=True, slots=True)
class Item:
    """One frame.

    given: the luma plane as the caller has it; `luma` the same as an array.
    guide: 8 bits, at the working size.
    key: the painted picture of this frame.
    """

    index: int
    given: Any
    luma: NDArray[np.generic]
    guide: NDArray[np.uint8]
    key: PaintedKey | None


class Intake:
    """Takes in the frames of one clip, which must all be alike."""

    def __init__(self, size: int, keys: Mapping[int, Any], layout: PlaneFormat) -> None:
        self._size = size
        self._keys = keys
        self._layout = layout
        self._first: NDArray[np.generic] | None = None

    def items(self, lumas: Iterable[Any]) -> Iterator[Item]:
        """Every frame, then a look whether a key frame was left over."""
        count = 0
        for count, given in enumerate(lumas, 1):
            yield self._item(count - 1, given)
        past = [number for number in self._keys if not 0 <= number < count]
        if past:
            raise KeyFrameError(f"key frame {past[0]} is not one of the {count} frames of the clip")

    def _item(self, index: int, given: Any) -> Item:
        luma = as_numpy(given, f"frame {index}")
        self._check(luma, index)
        height, width = luma.shape
        depth, full_range = self._layout.bit_depth, self._layout.full_range
        working = working_size(height, width, self._size)
        guide = working_guide(luma, depth, full_range, working)
        return Item(index, given, luma, guide, self.painted(index))

    def painted(self, index: int) -> PaintedKey | None:
        """The key frame of that number at the size of the frames, if there is one."""
        if index not in self._keys or self._first is None:
            return None
        height, width = self._first.shape
        picture = as_numpy(self._keys[index], f"key frame {index}")
        return painted_key(picture, height, width, self._layout.matrix_name(height))

    def _check(self, luma: NDArray[np.generic], index: int) -> None:
        if luma.ndim != 2:
            raise InputError(f"frame {index}: a luma plane [H, W] is needed, got {luma.shape}")
        if self._first is None:
            self._first = luma
        if (luma.shape, luma.dtype) != (self._first.shape, self._first.dtype):
            raise InputError(
                f"frame {index} is {luma.dtype} {luma.shape}, "
                f"the first was {self._first.dtype} {self._first.shape}"
            )


def with_cuts(items: Iterable[Item], cuts: Container[int] | None) -> Iterator[tuple[Item, bool]]:
    """Each frame, and whether a shot begins with it; None to find that out, with a delay."""
    if cuts is not None:
        yield from ((item, item.index in cuts) for item in items)
        return
    finder, waiting, begun = ShotFinder(), deque[Item](), 0
    for item in items:
        finder.add(item.guide)
        waiting.append(item)
        if len(waiting) > HINDSIGHT:
            yield waiting[0], begun < (begun := finder.cuts_until(waiting[0].index))
            waiting.popleft()
    for item in waiting:
        yield item, begun < (begun := finder.cuts_until(item.index))
