"""The CPU's scan beside a copy, and beside a loop in PyTorch."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch
from torch import Tensor

from vidprop.ops.scan import Direction, propagate, scan

from ._bench_loop import propagate_loop, scan_loop
from ._bench_rows import Problem, Report, Rival, Size

LARGE: Size = (1, 32, 256, 512)
_LOOPED = (
    Problem((1, 1, 16, 24), True),
    Problem((1, 2, 128, 224), True),
    Problem((1, 32, 64, 96), False),
    Problem((1, 32, 64, 96), True),
    Problem(LARGE, False),
    Problem(LARGE, True),
)
_QUICK: Size = (1, 4, 24, 40)


def measure(quick: bool = False) -> Report:
    """Every time is the shortest of several: what else ran on the machine is not ours."""
    copied = 2**20 if quick else 2**27
    before = copy_bandwidth(copied)
    report = Report(_machine(), before, "PyTorch loop")
    problems = [Problem(_QUICK if quick else LARGE, shared) for shared in (False, True)]
    times = [_times(problem) for problem in problems]
    # A neighbour may have slowed the first copy: the faster one counts.
    report.bandwidth = max(before, copy_bandwidth(copied))
    for problem, found in zip(problems, times, strict=True):
        _tell(report, problem, found, asks=not quick)
    for problem in [Problem(_QUICK, True)] if quick else _LOOPED:
        report.rivals += _rivals(problem)
    return report


def copy_bandwidth(size: int) -> float:
    """Bytes read and written in a second: PyTorch's copy or NumPy's in threads, the faster."""
    source = torch.ones(size // 4)
    target = torch.empty_like(source)
    threads = torch.get_num_threads()
    pairs = list(zip(*(np.array_split(t.numpy(), threads) for t in (target, source)), strict=True))
    with ThreadPoolExecutor(threads) as pool:
        best = min(
            shortest(lambda: target.copy_(source)),
            shortest(lambda: list(pool.map(lambda pair: np.copyto(*pair), pairs))),
        )
    return 2 * size / best


def shortest(call: Callable[[], object], patience: float = 1.0) -> float:
    """Seconds of the fastest call, after a first, among those that `patience` seconds allow."""
    call()
    times: list[float] = []
    begun = time.perf_counter()
    while not times or (time.perf_counter() - begun < patience and len(times) < 200):
        start = time.perf_counter()
        result = call()
        times.append(time.perf_counter() - start)
        del result  # its memory is there for the next
    return min(times)


def _draw(problem: Problem) -> tuple[Tensor, Tensor, Tensor]:
    n, c, *frame = problem.size
    groups = 1 if problem.shared else c
    p = torch.rand(n, 4, groups, 3, *frame) / 3
    return torch.randn(problem.size), p, torch.rand(n, 4, *frame)


@torch.no_grad()
def _times(problem: Problem) -> dict[str, float]:
    x, p, mix = _draw(problem)
    times = {
        f"scan {way.name}": shortest(partial(scan, x, p[:, way.value], way)) for way in Direction
    }
    times["four, largest"] = shortest(lambda: propagate(x, p))
    times["four, mix"] = shortest(lambda: propagate(x, p, mix=mix))
    times["four, forward + backward"] = shortest(_training(propagate, x, p))
    return times


def _training(function: Callable[..., Tensor], x: Tensor, p: Tensor) -> Callable[[], object]:
    leaves, weights = (x.clone().requires_grad_(), p.clone().requires_grad_()), torch.randn_like(x)

    @torch.enable_grad()
    def run() -> object:
        return torch.autograd.grad(function(*leaves), leaves, weights)

    return run


def _tell(report: Report, problem: Problem, times: dict[str, float], asks: bool) -> None:
    both = problem.forward_bytes(4) + problem.backward_bytes(4)
    for what, seconds in times.items():
        if what.startswith("scan"):
            report.add(what, problem, seconds, problem.forward_bytes(1))
        elif what.endswith("backward"):
            report.add(what, problem, seconds, both, "<= 2.0" if asks else "")
        else:
            report.add(what, problem, seconds, problem.forward_bytes(4), "<= 1.6" if asks else "")
    rows, columns = (
        sum(times[f"scan {way.name}"] for way in Direction if way.vertical is vertical)
        for vertical in (False, True)
    )
    ratio = max(rows / columns, columns / rows)
    report.notes.append(f"rows and columns, {problem}: {ratio:.2f} apart, asked <= 1.3")


def _rivals(problem: Problem) -> list[Rival]:
    x, p, _ = _draw(problem)
    found = []
    with torch.no_grad():
        for way in (Direction.LEFT_TO_RIGHT, Direction.TOP_TO_BOTTOM):
            ours = shortest(partial(scan, x, p[:, way.value], way), 0.4)
            loop = shortest(partial(scan_loop, x, p[:, way.value], way), 0.4)
            found.append(Rival(f"scan {way.name}", str(problem), ours, loop, "> 1"))
        ours = shortest(lambda: propagate(x, p), 0.4)
        loop = shortest(lambda: propagate_loop(x, p), 0.4)
        found.append(Rival("four, largest", str(problem), ours, loop, "> 1"))
    ours = shortest(_training(propagate, x, p), 0.4)
    loop = shortest(_training(propagate_loop, x, p), 0.4)
    found.append(Rival("four, forward + backward", str(problem), ours, loop, "> 1"))
    return found


def _machine() -> str:
    return f"CPU, {torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}"
