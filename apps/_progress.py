"""A bar for each stage on stderr, with frames a second and the time to go."""

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

from vidprop.propagation import Progress, Stage

_TITLES: dict[Stage, str] = {
    "look": "looking through the clip",
    "propagate": "carrying colour",
    "write": "writing",
}


class ProgressBars:
    """Call it with every `Progress`; nothing is drawn where stderr is no terminal."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Pace(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._tasks: dict[Stage, TaskID] = {}

    def __enter__(self) -> "ProgressBars":
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def __call__(self, progress: Progress) -> None:
        if progress.stage not in self._tasks:
            title = _TITLES[progress.stage]
            self._tasks[progress.stage] = self._bars.add_task(title, total=progress.total)
        task = self._tasks[progress.stage]
        self._bars.update(task, completed=progress.done, total=progress.total)


class _Pace(ProgressColumn):
    def render(self, task: Task) -> Text:
        pace = task.finished_speed or task.speed
        return Text(f"{pace:.1f} frames/s" if pace else "")
