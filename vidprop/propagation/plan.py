"""What is to be computed for a clip, in which order, and from what.

A task is one stretch. Its name is a digest of everything its result depends on,
so a finished stretch is found again after an interruption, and when another key
frame is added only the stretches it touches get new names.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from vidprop.edits.keyframes import KeyFrames, Span


@dataclass(frozen=True, slots=True)
class Painted:
    """A key frame as it was painted."""

    number: int


@dataclass(frozen=True, slots=True)
class Handed:
    """A frame of another task's result."""

    task: str
    index: int


@dataclass(frozen=True, slots=True)
class Repaired:
    """A partly transparent key frame, laid over what was propagated without it."""

    number: int
    base: Handed


Source = Painted | Handed | Repaired


@dataclass(frozen=True, slots=True)
class Task:
    """One stretch.

    frames: whose guides are read, in the order in which the edit is carried.
    owned: the frames of the clip that take their result from here.
    offset: where in `frames` the owned ones begin.
    """

    name: str
    frames: tuple[int, ...]
    before: Source | None
    after: Source | None
    owned: range
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Tasks, each after those it takes a key frame from."""

    tasks: tuple[Task, ...]
    _owners: tuple[Task, ...] = field(repr=False)

    @classmethod
    def of(cls, tasks: Iterable[Task]) -> "Plan":
        """Leave out tasks that are there twice."""
        unique = {(task.name, task.owned): task for task in tasks}
        owners = sorted((t for t in unique.values() if t.owned), key=lambda t: t.owned.start)
        return cls(tuple({t.name: t for t in unique.values()}.values()), tuple(owners))

    @property
    def names(self) -> tuple[str, ...]:
        """Those of all tasks."""
        return tuple(task.name for task in self.tasks)

    def locate(self, frame: int) -> Handed | None:
        """Where the result for a frame of the clip is; None if nothing reaches it."""
        place = bisect_right(self._owners, frame, key=lambda task: task.owned.start) - 1
        if place < 0 or frame not in self._owners[place].owned:
            return None
        task = self._owners[place]
        return Handed(task.name, frame - task.owned.start + task.offset)


@dataclass(frozen=True)
class Planner:
    """Makes the plan of a clip.

    identities: a digest of each key frame's edit.
    partial: those of them that are partly transparent.
    context: a digest of all else that a result depends on.
    longest: frames in a stretch, at most.
    """

    keys: KeyFrames
    identities: Mapping[int, str]
    partial: frozenset[int]
    context: str
    longest: int

    def plan(self, borrowed: Iterable["Borrowed"] = ()) -> Plan:
        """Plan every span that has a key frame, and shots that borrow one."""
        tasks: list[Task] = []
        sources: dict[int, Source] = {n: Painted(n) for n in self.keys.numbers}
        for base in self._bases():
            tasks += self._base_tasks(base, sources)
        for span in self.keys.spans():
            if span.has_key:
                tasks += self._tasks(span, sources)
        for loan in borrowed:
            tasks += self._borrowing(loan)
        return Plan.of(tasks)

    def _bases(self) -> Iterator[Span]:
        """Spans between full key frames that partial ones lie in."""
        full = [n for n in self.keys.numbers if n not in self.partial]
        for span in KeyFrames(tuple(full), self.keys.frame_count, self.keys.cuts).spans():
            if span.has_key and any(n in self.partial for n in range(span.start, span.stop)):
                yield span

    def _base_tasks(self, span: Span, sources: dict[int, Source]) -> list[Task]:
        tasks = self._tasks(span, sources)
        places = Plan.of(tasks)
        for number in sorted(self.partial.intersection(range(span.start, span.stop))):
            base = places.locate(number)
            assert base is not None
            sources[number] = Repaired(number, base)
        return [Task(t.name, t.frames, t.before, t.after, range(0)) for t in tasks]

    def _tasks(self, span: Span, sources: Mapping[int, Source]) -> list[Task]:
        known = {n: sources[n] for n in (span.first, span.last) if n is not None}
        tasks, owned_to = [], span.start
        for piece in span.stretches(self.longest):
            owned = range(max(piece.start, owned_to), piece.stop)
            if not owned:
                continue
            before = known[piece.start] if piece.first is not None else None
            after = known[piece.stop] if piece.last is not None else None
            task = self._task(tuple(piece.reads), before, after, owned)
            tasks.append(task)
            if piece.first is not None and piece.last is None:
                known[piece.stop - 1] = Handed(task.name, piece.stop - 1 - piece.start)
                owned_to = piece.stop
            else:
                known[piece.start] = Handed(task.name, 0)
        return tasks

    def _borrowing(self, loan: "Borrowed") -> Iterator[Task]:
        key = Painted(loan.number)
        after = tuple(range(loan.meeting, loan.shot.stop))
        yield self._task((loan.number, *after), key, None, range(loan.meeting, loan.shot.stop))
        before = tuple(range(loan.shot.start, loan.meeting))
        if before:
            owned = range(loan.shot.start, loan.meeting)
            yield self._task((*before, loan.number), None, key, owned)

    def _task(
        self, frames: tuple[int, ...], before: Source | None, after: Source | None, owned: range
    ) -> Task:
        ids = [self._identity(source) for source in (before, after)]
        name = digest(self.context, repr(frames), *ids)
        return Task(name, frames, before, after, owned, frames.index(owned.start))

    def _identity(self, source: Source | None) -> str:
        match source:
            case None:
                return ""
            case Painted(number):
                return self.identities[number]
            case Handed(task, index):
                return f"{task}:{index}"
            case Repaired(number, base):
                return f"{self.identities[number]} over {base.task}:{base.index}"


@dataclass(frozen=True, slots=True)
class Borrowed:
    """A shot without a key frame that takes one from elsewhere, first for frame `meeting`."""

    shot: range
    number: int
    meeting: int


def digest(*parts: str | bytes) -> str:
    """A name for what these parts say."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "little") + data)
    return total.hexdigest()[:20]
