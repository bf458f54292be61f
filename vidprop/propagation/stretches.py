"""Does the tasks of a plan, one stretch at a time, and keeps what is finished."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from vidprop.edits.guide import unit_guide
from vidprop.errors import Interrupted

from .contract import Array, Carried, Estimate, KeyEdit, SpanPropagator, Trace
from .plan import Handed, Painted, Plan, Repaired, Source, Task


class Given(NamedTuple):
    """A key frame's edit, how far it can itself be trusted, and the key frames it came from.

    A painted key frame names itself.
    """

    edit: KeyEdit
    trust: float = 1.0
    traces: tuple[Trace, ...] = ()

    @classmethod
    def painted(cls, edit: KeyEdit, number: int) -> "Given":
        """What a painter gave."""
        return cls(edit, 1.0, (Trace(number),))

    @classmethod
    def handed(cls, carried: Carried) -> "Given":
        """What another stretch found."""
        return cls(KeyEdit.full(carried.edit), carried.trust, carried.traces)


class Stretch(Protocol):
    """The results of one task."""

    def at(self, index: int) -> Carried:
        """What came to a frame."""
        ...


class Shelf(Protocol):
    """Where finished stretches are kept: see `Store`."""

    def __contains__(self, name: str) -> bool: ...

    def save(self, name: str, frames: Iterable[Carried]) -> None: ...

    def load(self, name: str) -> Stretch | None: ...


class GuideSource(Protocol):
    """Where 8-bit guides come from: see `GuideReader`."""

    def read(self, frames: Sequence[int]) -> list[NDArray[np.uint8]]: ...

    def close(self) -> None: ...


class Guides(Sequence[Array]):
    """8-bit guides, seen as float32 in 0..1."""

    def __init__(self, guides: Sequence[NDArray[np.uint8]]) -> None:
        self._guides = guides

    def __len__(self) -> int:
        return len(self._guides)

    def __getitem__(self, place: int | slice) -> "Array | Guides":  # type: ignore[override]
        if isinstance(place, slice):
            return Guides(self._guides[place])
        return unit_guide(self._guides[place])


class Finished:
    """Says what is done to whoever waits for results in another thread.

    Frames of the task that is being done are handed over as they come.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._names: set[str] = set()
        self._early: dict[tuple[str, int], Carried] = {}
        self._error: BaseException | None = None

    def offer(self, name: str, index: int, carried: Carried) -> None:
        """A frame of a task is ready."""
        with self._changed:
            self._early[name, index] = carried
            self._changed.notify_all()

    def add(self, name: str) -> None:
        """A task is done and stored."""
        with self._changed:
            self._names.add(name)
            self._early.clear()
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Nothing more will be done."""
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def wait(self, name: str, index: int) -> Carried | None:
        """What came to a frame, once, or None if its task is done and stored.

        Raises what went wrong if it never will be.
        """
        with self._changed:
            while name not in self._names:
                if (name, index) in self._early:
                    return self._early.pop((name, index))
                if self._error is not None:
                    raise self._error
                self._changed.wait(0.5)
        return None


@dataclass
class Worker:
    """Carries out a plan.

    keys: the edits of the painted key frames.
    count: told how many frames are done each time, finished ones of an earlier run too.
    stop: set from outside to end the work early.
    """

    store: Shelf
    guides: GuideSource
    propagator: SpanPropagator
    keys: Mapping[int, Given]
    count: Callable[[int], None]
    stop: threading.Event

    def __post_init__(self) -> None:
        self._finished = Finished()

    def run(self, plan: Plan, finished: Finished) -> None:
        """Do every task that is not done yet; never raises, but reports to `finished`."""
        self._finished = finished
        try:
            for task in plan.tasks:
                self.do(task)
                finished.add(task.name)
        except BaseException as error:  # the waiting thread raises it
            finished.fail(error)
        finally:
            self.guides.close()

    def do(self, task: Task) -> None:
        """Do one task, unless it is done."""
        if task.name in self.store:
            self.count(len(task.owned))
            return
        self.store.save(task.name, self._offered(task))

    def _offered(self, task: Task) -> Iterator[Carried]:
        for place, carried in enumerate(self._results(task)):
            # The last comes from the store, so that no output ends before its work is safe.
            if place < len(task.owned) - 1:
                self._finished.offer(task.name, place, carried)
            yield carried

    def _results(self, task: Task) -> Iterator[Carried]:
        before, after = self._key(task.before), self._key(task.after)
        if before and len(task.frames) == 1:
            trust = float(before.edit.coverage.mean() * before.trust)
            yield Carried(before.edit.edit, trust, before.traces)
            self.count(len(task.owned))
            return
        guides = Guides(self.guides.read(task.frames))
        trusts = _between(before, after, len(guides))
        estimates = self.propagator.propagate(
            guides, before.edit if before else None, after.edit if after else None
        )
        for place, (estimate, trust) in enumerate(zip(estimates, trusts, strict=True)):
            self._check_stop()
            trust = float(estimate.confidence.mean() * trust)
            yield Carried(estimate.edit, trust, tuple(_traces(estimate, before, after)))
            self.count(0 <= place - task.offset < len(task.owned))

    def _check_stop(self) -> None:
        if self.stop.is_set():
            raise Interrupted("stopped; run the same command again to go on")

    def _key(self, source: Source | None) -> Given | None:
        match source:
            case None:
                return None
            case Painted(number):
                return self.keys[number]
            case Handed(name, index):
                return Given.handed(self._stored(name).at(index))
            case Repaired(number, base):
                return self._repaired(number, base)

    def _repaired(self, number: int, base: Handed) -> Given:
        carried, given = self._stored(base.task).at(base.index), self.keys[number]
        edit, patch = carried.edit, given.edit
        share = float(patch.coverage.mean())
        trust = share + (1 - share) * carried.trust
        whole = KeyEdit.full(edit + patch.coverage * (patch.edit - edit))
        return Given(whole, trust, given.traces + carried.traces)

    def _stored(self, name: str) -> Stretch:
        stretch = self.store.load(name)
        assert stretch is not None, name
        return stretch


@contextmanager
def at_work(worker: Worker, plan: Plan) -> Iterator[Finished]:
    """Have the plan carried out in a thread, which ends when the block does."""
    finished = Finished()
    thread = threading.Thread(target=worker.run, args=(plan, finished))
    thread.start()
    try:
        yield finished
    except BaseException:
        worker.stop.set()
        raise
    finally:
        thread.join()


def _traces(estimate: Estimate, before: Given | None, after: Given | None) -> Iterator[Trace]:
    """Where a frame's pixels were in the key frames that its edit came from."""
    sides = ((before, estimate.in_before), (after, estimate.in_after))
    for given, positions in sides:
        if given is not None and positions is not None:
            yield from (trace.followed(positions) for trace in given.traces)


def _between(before: Given | None, after: Given | None, count: int) -> Iterable[float]:
    """Trust in the key frames at both ends, from one to the other."""
    ends = [given.trust for given in (before, after) if given is not None]
    return np.linspace(ends[0], ends[-1], count).tolist()
