"""Which frames are painted, and the spans between them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from vidprop.errors import KeyFrameError

_AT_THE_END = -1


@dataclass(frozen=True, slots=True)
class Span:
    """Frames `start` to `stop` - 1, and the key frames they are filled from.

    first: the key frame at `start`; None if there is none.
    last: the key frame at `stop`, which the next span owns; None if there is none.
    Left out, they are where the span begins and ends: Span(0, 30) lies between the
    key frames 0 and 30.
    """

    start: int
    stop: int
    first: int | None = _AT_THE_END
    last: int | None = _AT_THE_END

    def __post_init__(self) -> None:
        for name, place in (("first", self.start), ("last", self.stop)):
            if getattr(self, name) == _AT_THE_END:
                object.__setattr__(self, name, place)
        assert self.start < self.stop, self
        assert self.first in (None, self.start), self
        assert self.last in (None, self.stop), self

    @property
    def has_key(self) -> bool:
        return self.first is not None or self.last is not None

    @property
    def reads(self) -> range:
        """The frames whose guides are needed: its own, and the key frame at `stop`."""
        return range(self.start, self.stop + (self.last is not None))

    def stretches(self, longest: int) -> Iterator["Span"]:
        """Pieces in an order in which each finds its key frames.

        From one key frame alone at most `longest` frames are filled at a time, and the
        far end of a piece is the key frame of the next; a piece that goes forward shares
        that frame with it. What has key frames on both sides is one piece of up to twice
        `longest`; of a longer span the beginning is filled from the first one alone.
        """
        start, stop, first, last = self.start, self.stop, self.first, self.last
        while stop - start > longest * (1 if None in (first, last) else 2):
            if first is None and last is not None:
                yield Span(stop - longest, stop, None, last)
                stop = last = stop - longest
            else:
                yield Span(start, start + longest, first, None)
                start = first = start + longest - 1
        yield Span(start, stop, first, last)


@dataclass(frozen=True, slots=True)
class KeyFrames:
    """The painted frames of a clip, and the cuts over which nothing is carried.

    numbers: counted from 0, rising.
    cuts: the first frame of every shot but the first, rising.
    """

    numbers: tuple[int, ...]
    frame_count: int
    cuts: tuple[int, ...] = ()

    @classmethod
    def at(cls, numbers: Iterable[int], frame_count: int, cuts: Iterable[int] = ()) -> "KeyFrames":
        """Key frames in any order.

        Raises:
            KeyFrameError: a number is negative, past the last frame, or there twice.
        """
        ordered = tuple(sorted(numbers))
        _check(ordered, frame_count)
        inside = sorted({cut for cut in cuts if 0 < cut < frame_count})
        return cls(ordered, frame_count, tuple(inside))

    def shots(self) -> Iterator[range]:
        """The frames of each shot."""
        return (range(*ends) for ends in pairwise((0, *self.cuts, self.frame_count)))

    def spans(self) -> Iterator[Span]:
        """Spans in order of time that together own every frame once."""
        for shot in self.shots():
            yield from _spans_of_shot(shot, [n for n in self.numbers if n in shot])


def _spans_of_shot(shot: range, keys: list[int]) -> Iterator[Span]:
    if not keys:
        yield Span(shot.start, shot.stop, None, None)
        return
    if keys[0] > shot.start:
        yield Span(shot.start, keys[0], None, keys[0])
    yield from (Span(first, last) for first, last in pairwise(keys))
    yield Span(keys[-1], shot.stop, keys[-1], None)


def _check(ordered: tuple[int, ...], frame_count: int) -> None:
    for number in ordered:
        if number < 0:
            raise KeyFrameError(f"key frame {number}: frames are counted from 0")
        if number >= frame_count:
            raise KeyFrameError(f"key frame {number} is past the last frame, {frame_count - 1}")
    for one, other in pairwise(ordered):
        if one == other:
            raise KeyFrameError(f"key frame {one} is given twice")
