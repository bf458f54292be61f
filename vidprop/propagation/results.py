"""Finished edits, frame by frame, while other stretches are still worked on."""

from .contract import Carried
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

    def of(self, frame: int) -> Carried | None:
        """What came to a frame; None where no key frame reaches."""
        place = self._plan.locate(frame)
        if place is None:
            return None
        if place.task != self._name:
            early = self._finished.wait(place.task, place.index)
            if early is not None:
                return self._store.rounded(early)
            # Frames come in order, so one stretch at a time is enough.
            self._name, self._stretch = place.task, self._store.load(place.task)
        assert self._stretch is not None
        return self._stretch.at(place.index)
