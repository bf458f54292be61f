"""Part of a clip that is held in memory, from one key frame to the next."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vidprop.edits.keyframes import KeyFrames

from .contract import Carried, SpanPropagator
from .plan import Planner
from .stretches import Given, Worker

Guide = NDArray[np.uint8]


@dataclass
class Block:
    """Neighbouring frames of one shot, and the key frames among them by their place.

    partial: the places of those that are partly transparent.
    """

    guides: list[Guide] = field(default_factory=list)
    keys: dict[int, Given] = field(default_factory=dict)
    partial: set[int] = field(default_factory=set)

    def fill(self, propagator: SpanPropagator, longest: int) -> list[Carried | None]:
        """What came to every frame; None where no key frame reaches."""
        planner = Planner(
            keys=KeyFrames.at(self.keys, len(self.guides)),
            identities={place: str(place) for place in self.keys},
            partial=frozenset(self.partial),
            context="",
            longest=longest,
        )
        plan, shelf = planner.plan(), _Memory()
        worker = Worker(shelf, _AtHand(self.guides), propagator, self.keys, _unheard, _never())
        for task in plan.tasks:
            worker.do(task)
        places = (plan.locate(frame) for frame in range(len(self.guides)))
        return [shelf[place.task].at(place.index) if place else None for place in places]

    def split(self, place: int) -> "tuple[Block, Block]":
        """The frames up to and with `place`, and those from it on without their keys there."""
        head = Block(self.guides[: place + 1])
        tail = Block(self.guides[place:])
        head.keys = {at: given for at, given in self.keys.items() if at <= place}
        tail.keys = {at - place: given for at, given in self.keys.items() if at > place}
        head.partial = self.partial & head.keys.keys()
        tail.partial = {at - place for at in self.partial if at > place}
        return head, tail


class _Stored:
    def __init__(self, frames: Iterable[Carried]) -> None:
        self._frames = list(frames)

    def at(self, index: int) -> Carried:
        return self._frames[index]


class _Memory(dict[str, _Stored]):
    """A shelf that forgets."""

    def save(self, name: str, frames: Iterable[Carried]) -> None:
        self[name] = _Stored(frames)

    def load(self, name: str) -> _Stored:
        return self[name]


class _AtHand:
    def __init__(self, guides: Sequence[Guide]) -> None:
        self._guides = guides

    def read(self, frames: Sequence[int]) -> list[Guide]:
        return [self._guides[frame] for frame in frames]

    def close(self) -> None:
        pass


def _unheard(frames: int) -> None:
    pass


def _never() -> threading.Event:
    return threading.Event()
