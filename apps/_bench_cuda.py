"""The card's scan beside a copy, and beside the published scheme of one launch a step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vidprop.ops import _cupy
from vidprop.ops.scan import Direction, _cuda_launch, propagate
from vidprop.ops.scan._cuda import percolumn_backward, percolumn_forward
from vidprop.ops.scan._cuda_clock import copy_bandwidth, seconds

from ._bench_rows import Problem, Report, Rival, Size

_MANY: Size = (8, 32, 512, 512)
_ONE: Size = (1, 32, 256, 512)
_QUICK: Size = (1, 4, 24, 40)
_COPIED = 2**30
_DEVICE = "cuda"


@dataclass(frozen=True)
class Case:
    """Four directions on random values, and the same for one."""

    problem: Problem
    x: Tensor
    p: Tensor
    h: Tensor
    grad: Tensor

    @classmethod
    def of(cls, size: Size, dtype: torch.dtype, shared: bool) -> "Case":
        n, c, *frame = size
        x = torch.randn(size, device=_DEVICE).to(dtype)
        p = torch.rand(n, 4, 1 if shared else c, 3, *frame, device=_DEVICE) / 3
        h = _cuda_launch.forward(x, p.to(dtype), None, 0, False)
        grad = torch.randn_like(h)
        return cls(Problem(size, shared, dtype.itemsize), x, p.to(dtype), h, grad)

    def forward(self, ways: int = 4) -> Tensor:
        return _cuda_launch.forward(self.x, self.p[:, :ways], None, 0, False)

    def backward(self, ways: int = 4) -> Any:
        arguments = self.x, self.p[:, :ways], None, self.h[:, :ways], self.grad[:, :ways]
        return _cuda_launch.backward(*arguments, 0, False)

    def old_forward(self) -> Tensor:
        return percolumn_forward(self.x, self.p[:, 0], Direction(0))

    def old_backward(self) -> Any:
        rows = self.x, self.p[:, 0], self.h[:, 0], self.grad[:, 0], Direction(0)
        return percolumn_backward(*rows)


def measure(quick: bool = False) -> Report:
    """Medians on the card, launches queued ahead.

    Raises:
        BackendError: CuPy is not installed.
    """
    _cupy.check()
    many, one = (_QUICK, _QUICK) if quick else (_MANY, _ONE)
    report = Report(
        torch.cuda.get_device_name(), copy_bandwidth(_COPIED >> 6 * quick), "a launch a step"
    )
    for dtype in (torch.float32, torch.bfloat16):
        for shared in (False, True):
            _floors(report, Case.of(many, dtype, shared), _name(dtype))
    _few_planes(report, one)
    for size in (many, one):
        report.rivals += _rivals(Case.of(size, torch.float32, False))
    return report


def _floors(report: Report, case: Case, name: str) -> None:
    problem = case.problem
    # 80% and 75% of the copy's bandwidth.
    time = seconds(case.forward)
    report.add(f"four, forward, {name}", problem, time, problem.forward_bytes(4), "<= 1.25")
    # Each direction hands in a gradient of its own here, and back one of x.
    size = problem.backward_bytes(4) + 6 * problem.plane_bytes
    report.add(
        f"four, backward with its sums, {name}", problem, seconds(case.backward), size, "<= 1.33"
    )
    time = seconds(lambda: propagate(case.x, case.p))
    size = problem.forward_bytes(4) + problem.plane_bytes
    report.add(f"propagate, largest, {name}", problem, time, size)


def _few_planes(report: Report, size: Size) -> None:
    for dtype in (torch.float32, torch.bfloat16):
        case = Case.of(size, dtype, False)
        time = seconds(case.forward)
        what = f"four, forward, {_name(dtype)}"
        report.add(what, case.problem, time, case.problem.forward_bytes(4))
        report.notes.append(f"{what}, {case.problem}: {time * 1e6:.1f} us, asked <= 120 us")


def _rivals(case: Case) -> list[Rival]:
    """One direction along rows; the published scheme as it is launched, and as a graph."""
    pairs: list[tuple[str, Callable[[], object], Callable[[], object], str]] = [
        ("forward", lambda: case.forward(1), case.old_forward, ">= 20"),
        ("backward", lambda: case.backward(1), case.old_backward, ">= 15"),
    ]
    found = []
    for what, ours, old, asked in pairs:
        mine, problem = seconds(ours), str(case.problem)
        found.append(Rival(f"scan, {what}", problem, mine, seconds(old), asked))
        replayed = seconds(graph_of(old))
        found.append(Rival(f"scan, {what}, theirs as a graph", problem, mine, replayed))
    return found


def graph_of(call: Callable[[], object]) -> Callable[[], object]:
    """Replays the launches of `call`, without the time to launch each."""
    call()  # compiled before the capture, in which nothing may be loaded
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph.replay


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
