"""Finished edits, frame by frame, while other stretches are still worked on."""

from .contract import Array
from .plan import Plan
from .store import Store, Stretch
from .stretches import Finished


class Results:
    """Reads what a plan's tasks have stored, waiting for it where need be."""

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
        stretch = self._open(place.task)
        return stretch.edit(place.index), float(stretch.confidence[place.index])

    def _open(self, name: str) -> Stretch:
        # Frames come in order, so one stretch at a time is enough.
        if self._stretch is None or name != self._name:
            self._finished.wait(name)
            self._stretch = self._store.load(name)
            self._name = name
        assert self._stretch is not None
        return self._stretch
