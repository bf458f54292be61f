"""Finished edits, frame by frame, while other stretches are still worked on."""

import numpy as np

from .contract import Array
from .plan import Plan
from .store import Store, Stretch
from .stretches import Finished


class Results:
    """Gives out what a plan's tasks make, waiting for it where need be.

    An edit is the same whether it comes at once or from the store.
    """

    def __init__(self, plan: Plan, store: Store, finished: Finished) -> None:
        self._plan = plan
        self._store = store
        self._finished = finished
        self._name = ""
        self._stretch: Stretch | None = None

    def of(self, frame: int) -> tuple[Array | None, float]:
        """The edit [C, h, w] of a frame and its confidence; None and 0 where no key reaches."""
        place = self._plan.locate(frame)
        if place is None:
            return None, 0.0
        if place.task != self._name:
            early = self._finished.wait(place.task, place.index)
            if early is not None:
                return self._store.rounded(early[0]), float(np.float32(early[1]))
            # Frames come in order, so one stretch at a time is enough.
            self._name, self._stretch = place.task, self._store.load(place.task)
        assert self._stretch is not None
        return self._stretch.edit(place.index), float(self._stretch.confidence[place.index])
