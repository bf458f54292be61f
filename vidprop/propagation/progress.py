"""How far the work has come."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Stage = Literal["look", "propagate", "write"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Frames done in a stage; `total` is None while the length is not known."""

    stage: Stage
    done: int
    total: int | None


OnProgress = Callable[[Progress], None]


def unheard(progress: Progress) -> None:
    """For callers who do not ask."""


class Counter:
    """Counts the frames of one stage and tells of it."""

    def __init__(self, stage: Stage, total: int | None, on_progress: OnProgress) -> None:
        self._stage = stage
        self._total = total
        self._done = 0
        self._tell = on_progress
        on_progress(Progress(stage, 0, total))

    def add(self, frames: int = 1) -> None:
        """Some more are done."""
        self._done += frames
        if frames:
            self._tell(Progress(self._stage, self._done, self._total))
