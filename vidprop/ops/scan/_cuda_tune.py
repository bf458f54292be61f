"""Times plans of the scan on the card at hand: `python -m vidprop.ops.scan._cuda_tune [FILE]`.

A plan counts only if its results are those of the plan that `plan_scan` makes, up to rounding.
Prints the fastest of each problem; FILE gets all of them as JSON.
"""

import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vidprop.errors import BackendError
from vidprop.ops import _cupy

from . import _cuda_launch
from ._cuda_arguments import TYPES
from ._cuda_clock import copy_bandwidth, seconds
from ._cuda_plan import Plan, Problem, plan_scan

SIZES = ((8, 32, 512, 512), (1, 32, 256, 512), (1, 2, 540, 960))
_KNOBS = ("threads", "segment", "stages", "channels", "team", "prefetch", "stream")


def main(argv: list[str]) -> int:
    """Exit status 0; 1 without a card or CuPy."""
    if not torch.cuda.is_available():
        print("no CUDA device", file=sys.stderr)
        return 1
    ceiling = copy_bandwidth()
    print(f"{torch.cuda.get_device_name()}: a copy moves {ceiling / 1e12:.2f} TB/s")
    rows = [row for case in _cases() for row in _tuned(case, ceiling)]
    if argv:
        Path(argv[0]).write_text(json.dumps({"copy": ceiling, "rows": rows}, indent=1))
    return 0


def bytes_moved(problem: Problem, kind: str) -> int:
    """What a launch has to read and write, x once for each direction."""
    p = problem
    affinities = (1 if p.shared else p.channels) * p.taps
    streams = affinities + 2 * p.channels
    if kind == "backward":
        streams = 2 * affinities + 4 * p.channels
    return p.images * len(p.directions) * p.height * p.width * p.itemsize * streams


@dataclass(frozen=True)
class Case:
    """A launch of all four directions on random values."""

    kind: str
    size: tuple[int, int, int, int]
    dtype: torch.dtype
    shared: bool

    def __str__(self) -> str:
        groups = "G=1" if self.shared else "G=C"
        return f"{self.kind} {list(self.size)} {TYPES[self.dtype]} {groups}"

    @property
    def problem(self) -> Problem:
        """As `_cuda_launch` would put it."""
        ways, flags = (0, 1, 2, 3), (3, self.shared, False, False)
        return Problem(TYPES[self.dtype], self.dtype.itemsize, *self.size, ways, *flags, 16)

    def runner(self) -> Callable[[Plan], tuple[Tensor, ...]]:
        """The launch of a plan, without the sums that follow it."""
        n, c, h, w = self.size
        x = torch.randn(self.size, device="cuda").to(self.dtype)
        p = torch.rand(n, 4, 1 if self.shared else c, 3, h, w, device="cuda") / 3
        given = {"x": x, "affinity": p.to(self.dtype)}
        given["h"] = _cuda_launch.forward(x, given["affinity"], None, 0, False)
        if self.kind == "backward":
            given["grad"] = torch.randn_like(given["h"])

        def run(plan: Plan) -> tuple[Tensor, ...]:
            out = _cuda_launch.launch_scan(self.kind, dict(given), None, 0, False, plan)
            return tuple(out.values()) or (given["h"],)

        return run


def _cases() -> Iterator[Case]:
    for kind, size in product(("forward", "backward"), SIZES):
        for dtype, shared in product((torch.float32, torch.bfloat16), (False, True)):
            yield Case(kind, size, dtype, shared)


def _tuned(case: "Case", ceiling: float) -> list[dict[str, Any]]:
    usual = plan_scan(case.problem, case.kind, _cupy.card(torch.device("cuda", 0)))
    run, rows = case.runner(), []
    right = tuple(t.clone() for t in run(usual))
    for plan in _built(usual):
        if plan.channels == usual.channels and not all(map(_close, run(plan), right)):
            raise AssertionError(f"a wrong result from {plan}")
        time = seconds(partial(run, plan))
        rows.append(_row(case, plan, time, ceiling) | {"usual": plan == usual})
    rows.sort(key=lambda row: row["us"])
    print(case)
    for row in rows[:3] + [row for row in rows[3:] if row["usual"]]:
        told = ", ".join(f"{name} {row[name]}" for name in (*_KNOBS, "usual"))
        print(f"  {row['us']:9.1f} us {row['share']:6.1%} of copy: {told}")
    return rows


def _close(ours: Tensor, theirs: Tensor) -> bool:
    error = (ours.float() - theirs.float()).abs().max()
    return bool(error <= 4 * torch.finfo(ours.dtype).eps * theirs.float().abs().max())


def _row(case: "Case", plan: Plan, time: float, ceiling: float) -> dict[str, Any]:
    share = bytes_moved(case.problem, case.kind) / time / ceiling
    knobs = {name: getattr(plan, name) for name in _KNOBS}
    return {"case": str(case), "us": time * 1e6, "share": share, **knobs}


def _built(usual: Plan) -> list[Plan]:
    """Plans worth a try, compiled side by side."""
    plans = list(dict.fromkeys([usual, *_variants(usual)]))

    def build(plan: Plan) -> None:
        with torch.cuda.device(0):
            _cupy._function(plan.kernel, 0, plan.shared)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(build, plans))
    return plans


def _variants(usual: Plan) -> Iterator[Plan]:
    card = _cupy.card(torch.device("cuda", 0))
    problem = usual.problem
    channels = {usual.channels, 1, 2, 4} if problem.shared else {1}
    for one in sorted(c for c in channels if c <= problem.channels):
        for segment in (32, 64):
            halo = segment // problem.itemsize
            for strips in sorted({usual.team, 1, 2, 3, 4}):
                own = -(-problem.lanes // (16 * strips)) * 16
                threads = -(-(own + 2 * halo * (strips > 1)) // 32) * 32
                for stages in (2, 3):
                    team = usual.team if strips == usual.team else 1
                    plan = replace(usual, threads=threads, segment=segment, stages=stages,
                                   channels=one, team=team)  # fmt: skip
                    if threads <= 544 and plan.shared <= card.shared_per_block:
                        yield plan
    for prefetch, stream in product((0, 64, 128), (0, 1)):
        yield replace(usual, prefetch=prefetch, stream=stream)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BackendError as error:
        sys.exit(str(error))
