"""How a scan is cut up for a card: what `kernels/scan_*.cu` are compiled with, and how launched.

Pure arithmetic, so that it is tested without a card. kernels/README.md gives the reasons.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from vidprop.ops._cupy import Card, Kernel

# Values per lane and channel that a pass keeps in shared memory, and lines it exchanges.
_STREAMS = {"forward": 1, "backward": 3}
_LINES = {"forward": 1, "backward": 3}
_MOST_STAGES = 4


@dataclass(frozen=True)
class Problem:
    """A scan's sizes; `vector` is what all its addresses are a multiple of, 16 bytes at most."""

    type: str
    itemsize: int
    images: int
    channels: int
    height: int
    width: int
    directions: tuple[int, ...]
    taps: int
    shared: bool
    injection: bool
    limit: bool
    vector: int

    @property
    def lanes(self) -> int:
        """Across the direction that has most of them."""
        return max(self.height if d < 2 else self.width for d in self.directions)


@dataclass(frozen=True)
class Plan:
    """The kernels' -D of the same names, lower case here."""

    problem: Problem
    kind: str
    threads: int
    segment: int
    stages: int
    channels: int
    team: int = 1
    prefetch: int = 64
    stream: int = 0

    @cached_property
    def kernel(self) -> Kernel:
        """What to compile."""
        return Kernel.of(f"scan_{self.kind}.cu", f"scan_{self.kind}", self.defines)

    @property
    def defines(self) -> Mapping[str, object]:
        """What to compile it with."""
        p = self.problem
        return {
            "TYPE": p.type,
            "TAPS": p.taps,
            "INJECTION": int(p.injection),
            "LIMIT": int(p.limit),
            "VECTOR": p.vector,
            "THREADS": self.threads,
            "SEGMENT": self.segment,
            "STAGES": self.stages,
            "CHANNELS": self.channels,
            "TEAM": self.team,
            "PREFETCH": self.prefetch,
            "STREAM": self.stream,
        }

    @property
    def groups(self) -> int:
        """Into which the channels are parted, a block (or a team) each."""
        return -(-self.problem.channels // self.channels)

    @property
    def walks(self) -> int:
        """Frames to walk: images, groups, directions."""
        return self.problem.images * self.groups * len(self.problem.directions)

    @property
    def blocks(self) -> int:
        """Of the launch."""
        return self.walks * self.team

    @property
    def carries(self) -> bool:
        """Whether a line has several strips, so that its values wait in memory between chunks."""
        return self.team > 1 or self.problem.lanes > self.threads

    @property
    def shared(self) -> int:
        """Bytes of shared memory of a block."""
        return self.line_bytes + self.stages * self.stage_bytes

    @property
    def stage_bytes(self) -> int:
        """Of one tile of everything that a step reads."""
        p = self.problem
        arrays = p.taps + p.injection + _STREAMS[self.kind] * self.channels
        return arrays * self.threads * self.segment

    @property
    def line_bytes(self) -> int:
        """Of the lines through which neighbouring lanes hear of each other."""
        if self.problem.taps == 1:
            return 0
        return _up(2 * _LINES[self.kind] * self.channels * (self.threads + 2) * 4, 16)


@lru_cache(maxsize=256)
def plan_scan(problem: Problem, kind: str, card: Card) -> Plan:
    """A plan of the "forward" or "backward" scan that keeps `card` busy."""
    channels = _channels(problem, kind, card)
    team = _team(problem, channels, card)
    # A team meets once a chunk, so its chunks are longer.
    segment = 16 * problem.itemsize if team > 1 else 32
    for threads in _threads(problem, kind, channels, segment, team):
        plan = Plan(problem, kind, threads, segment, 2, channels, team)
        stages = _stages(plan, card)
        if stages:
            return Plan(problem, kind, threads, segment, stages, channels, team)
    raise AssertionError("a tile of the fewest lanes fits into no card")


def _channels(problem: Problem, kind: str, card: Card) -> int:
    """Channels a block carries: several share the reads of an affinity, if blocks abound."""
    if not problem.shared:
        return 1
    most = 4 if kind == "forward" else 2
    walks = problem.images * len(problem.directions)
    while most > 1 and walks * -(-problem.channels // most) < card.multiprocessors:
        most -= 1
    return -(-problem.channels // -(-problem.channels // most))


def _team(problem: Problem, channels: int, card: Card) -> int:
    """Blocks that share a plane's lanes, where planes are too few to fill the card."""
    walks = problem.images * len(problem.directions) * -(-problem.channels // channels)
    if card.arch < 90:
        return 1
    team = 8
    while team > 1 and (walks * team > card.multiprocessors or problem.lanes < 64 * team):
        team //= 2
    return team


def _threads(problem: Problem, kind: str, channels: int, segment: int, team: int) -> Iterator[int]:
    """Tile widths to try, the best first: as few strips as registers allow, halos included."""
    most = 512 if channels == 1 else 256
    halo = segment // problem.itemsize
    strips = team
    while True:
        own = _up(-(-problem.lanes // strips), 16)
        threads = _up(own + (2 * halo if strips > 1 and problem.taps == 3 else 0), 32)
        if threads <= most + 2 * halo * (channels == 1 and kind == "forward"):
            yield threads
        if own == 16:
            return
        strips += team


def _stages(plan: Plan, card: Card) -> int:
    """How many tiles fit: three, or two where another block fills the pause; 0 if too few."""
    if plan.blocks > card.multiprocessors:
        # Every block costs 1 KiB of its own.
        half = card.shared_per_multiprocessor // 2 - 1024 - plan.line_bytes
        if half // plan.stage_bytes >= 2:
            return min(_MOST_STAGES, half // plan.stage_bytes)
    alone = (card.shared_per_block - plan.line_bytes) // plan.stage_bytes
    return min(_MOST_STAGES, alone) if alone >= 3 else 0


def _up(count: int, step: int) -> int:
    return -(-count // step) * step
