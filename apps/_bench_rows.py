"""What a benchmark found: rows of figures, as text and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

Size: TypeAlias = tuple[int, int, int, int]

COUNTED = """\
Bytes: every tensor once. A scan: x, affinities and h. Four directions: x, the affinities of four,
four h. Backward: x, affinities, h, the incoming gradient, and gradients of x and affinities.
Times copy: time over that of a copy of as many bytes (half read, half written)."""


@dataclass(frozen=True)
class Problem:
    """[N, C, H, W], and whether the channels share affinities (G = 1, or C)."""

    size: Size
    shared: bool
    itemsize: int = 4

    @property
    def plane_bytes(self) -> int:
        n, c, h, w = self.size
        return n * c * h * w * self.itemsize

    def forward_bytes(self, ways: int) -> int:
        return round(self.plane_bytes * (1 + ways * (1 + 3 * self._groups)))

    def backward_bytes(self, ways: int) -> int:
        return round(self.plane_bytes * (3 + ways * (1 + 6 * self._groups)))

    @property
    def _groups(self) -> float:
        return 1 / self.size[1] if self.shared else 1.0

    def __str__(self) -> str:
        return f"{list(self.size)} G={'1' if self.shared else 'C'}"


@dataclass(frozen=True)
class Row:
    """A time beside the floor that `bytes` and the copy set; `asked` in the same unit."""

    what: str
    problem: str
    seconds: float
    bytes: int
    times_copy: float
    asked: str = ""

    def cells(self) -> list[str]:
        rate = f"{self.bytes / self.seconds / 1e9:.1f}"
        times = [f"{self.seconds * 1e3:.3f}", f"{self.bytes / 1e6:.1f}", rate]
        return [self.what, self.problem, *times, f"{self.times_copy:.2f}", self.asked]


@dataclass(frozen=True)
class Rival:
    """Ours beside another scheme for the same result."""

    what: str
    problem: str
    seconds: float
    rival: float
    asked: str = ""

    @property
    def faster(self) -> float:
        """How many times faster ours is."""
        return self.rival / self.seconds

    def cells(self) -> list[str]:
        times = [f"{self.seconds * 1e3:.3f}", f"{self.rival * 1e3:.3f}", f"{self.faster:.1f}"]
        return [self.what, self.problem, *times, self.asked]


@dataclass
class Report:
    """All of one device; `bandwidth` is of a copy, bytes read and written in a second."""

    machine: str
    bandwidth: float
    rival: str
    rows: list[Row] = field(default_factory=list)
    rivals: list[Rival] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, what: str, problem: Problem, seconds: float, size: int, asked: str = "") -> Row:
        """A row of `size` bytes."""
        ratio = seconds * self.bandwidth / size
        self.rows.append(Row(what, str(problem), seconds, size, ratio, asked))
        return self.rows[-1]

    def text(self) -> str:
        head = f"{self.machine}: a copy moves {self.bandwidth / 1e9:.1f} GB/s\n{COUNTED}"
        floors = table(["what", "size", "ms", "MB", "GB/s", "times copy", "asked"], self.rows)
        columns = ["what", "size", "ms", f"{self.rival}, ms", "times faster", "asked"]
        rivals = table(columns, self.rivals)
        return "\n\n".join([head, floors, rivals, *self.notes])

    def record(self) -> dict[str, Any]:
        rivals = [asdict(row) | {"faster": row.faster} for row in self.rivals]
        return asdict(self) | {"rivals": rivals}


def table(head: list[str], rows: Sequence[Row | Rival]) -> str:
    """Words to the left of their columns, figures to the right."""
    lines = [head, *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
