"""The CUDA sources of the scan, run on CPU threads, equal the reference in values and gradients."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pytest
import torch
from kernel_threads import Threads, assert_within_budget, outcome
from torch import Tensor

from vidprop.ops.scan import Direction, _cuda_launch
from vidprop.ops.scan._cuda import (
    percolumn_backward,
    percolumn_forward,
    propagate_cuda,
    scan_cuda,
)
from vidprop.ops.scan._cuda_plan import Plan, Problem
from vidprop.ops.scan._reference import propagate_reference, scan_reference

Function: TypeAlias = Callable[..., Tensor]

WHOLE: dict[str, Any] = {"threads": 64, "segment": 32, "stages": 3, "channels": 1}
STRIPS: dict[str, Any] = {"threads": 32, "segment": 32, "stages": 2, "channels": 1}


@dataclass(frozen=True)
class Case:
    """Sizes [N, C, H, W], groups of affinities and of injections (0: none), and a plan."""

    size: tuple[int, int, int, int]
    plan: dict[str, Any] = field(default_factory=lambda: WHOLE)
    groups: int = 0
    taps: int = 3
    injections: int = 0
    limit: bool = False
    dtype: torch.dtype = torch.float32

    def draw(self, directions: int = 1) -> tuple[list[Tensor], Tensor]:
        """x, affinities [N, D, G, K, H, W], injection if any; and the gradient."""
        g = torch.Generator().manual_seed(7)
        n, c, *frame = self.size
        reach = 0.8 if self.limit else 1 / self.taps
        groups = self.groups or c
        x, grad = torch.randn(2, n, c, *frame, generator=g)
        p = (2 * torch.rand(n, directions, groups, self.taps, *frame, generator=g) - 1) * reach
        share = torch.rand(n, directions, self.injections, *frame, generator=g)
        tensors = [x, p, share] if self.injections else [x, p]
        return [t.to(self.dtype) for t in tensors], grad.to(self.dtype)


CASES = {
    "one pixel": Case((1, 2, 1, 1)),
    "one row": Case((1, 2, 1, 19)),
    "one column": Case((2, 1, 19, 1)),
    "odd": Case((2, 3, 37, 41)),
    "small": Case((2, 2, 11, 13)),
    "strips": Case((1, 2, 37, 41), STRIPS, injections=2, limit=True),
    "shared, channels left over": Case(
        (1, 3, 37, 41), STRIPS | {"channels": 2}, groups=1, injections=1, limit=True
    ),
    "shared by single channels": Case((1, 3, 13, 9), groups=1),
    "team": Case((1, 3, 37, 21), WHOLE | {"channels": 2, "team": 2}, groups=1),
    "one-way": Case((1, 2, 37, 41), STRIPS, taps=1, injections=1),
    "aligned": Case((1, 2, 24, 80), STRIPS | {"stages": 3}),
    "bfloat16": Case(
        (1, 2, 24, 48), groups=1, injections=1, limit=True, dtype=torch.bfloat16
    ),
    "float16, odd": Case((1, 2, 21, 37), dtype=torch.float16),
    "bfloat16, half aligned": Case(
        (1, 2, 20, 58), {"threads": 96, "segment": 64, "stages": 2, "channels": 1},
        limit=True, dtype=torch.bfloat16,
    ),
    "short chunks": Case((1, 1, 12, 20), WHOLE | {"segment": 16}),
    "long chunks": Case((1, 1, 70, 44), WHOLE | {"segment": 128, "threads": 96}),
}  # fmt: skip


def _use(plan: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def planned(problem: Problem, kind: str, card: object) -> Plan:
        return Plan(problem, kind, **plan)

    monkeypatch.setattr(_cuda_launch, "plan_scan", planned)


def _compare(
    ours: Callable[..., Tensor],
    reference: Callable[..., Tensor],
    tensors: list[Tensor],
    grad: Tensor,
) -> None:
    before = [t.clone() for t in tensors]
    got = outcome(ours, tensors, grad)
    assert all(torch.equal(t, b) for t, b in zip(tensors, before, strict=True))
    single = outcome(reference, [t.float() for t in tensors], grad)
    double = outcome(reference, [t.double() for t in tensors], grad)
    names = ("value", "x", "affinity", "injection", "mix")
    for name, *three in zip(names, got, single, double, strict=False):
        assert_within_budget(name, *three)


@pytest.mark.parametrize("name", CASES)
def test_scan_equals_reference_in_every_direction(
    name: str, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]
    _use(case.plan, monkeypatch)
    tensors, grad = case.draw()
    x, p, *share = [t[:, 0] if i else t for i, t in enumerate(tensors)]
    for direction in Direction:

        def by(function: Function, way: Direction = direction) -> Function:
            def call(x: Tensor, p: Tensor, share: Tensor | None = None) -> Tensor:
                return function(x, p, way, share, case.limit)

            return call

        _compare(by(scan_cuda), by(scan_reference), [x, p, *share], grad)


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("name", ["small", "bfloat16"])
def test_propagate_equals_reference(
    name: str, mixed: bool, recompute: bool, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]
    _use(case.plan, monkeypatch)
    (x, p, *share), grad = case.draw(4)
    # Shared by the directions, and so a sum over them.
    share = [s[:, :1] for s in share]
    mix = [torch.rand(x.shape[0], 4, *x.shape[2:]).to(x.dtype)] if mixed else []

    def split(rest: tuple[Tensor, ...]) -> tuple[Tensor | None, Tensor | None]:
        return (rest[0] if share else None), (rest[-1] if mixed else None)

    def ours(x: Tensor, p: Tensor, *rest: Tensor) -> Tensor:
        return propagate_cuda(x, p, *split(rest), case.limit, recompute)

    def reference(x: Tensor, p: Tensor, *rest: Tensor) -> Tensor:
        return propagate_reference(x, p, *split(rest), case.limit)

    if case.dtype == torch.float32 or mixed:
        _compare(ours, reference, [x, p, *share, *mix], grad)
    else:
        # Rounded scans tie where exact ones do not: only the value is the reference's.
        exact = reference(*(t.double() for t in (x, p, *share)))
        assert_within_budget("value", ours(x, p, *share), exact.float(), exact)


def test_views_of_any_strides_are_read_as_they_are(
    threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    _use(WHOLE, monkeypatch)
    output = torch.randn(2, 3 + 9 + 1, 7, 11) / 4
    turned = output.mT.contiguous().mT
    for whole in (output, turned, output.to(memory_format=torch.channels_last)):

        def ours(whole: Tensor, function: Function = scan_cuda) -> Tensor:
            x, p = whole[:, :3], whole[:, 3:12].unflatten(1, (3, 3))
            return function(x, p, Direction.RIGHT_TO_LEFT, None, False)

        _compare(ours, lambda whole: ours(whole, scan_reference), [whole], torch.randn(2, 3, 7, 11))


def test_gradient_of_a_sum_has_no_strides(
    threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    _use(WHOLE, monkeypatch)
    (x, p), _ = CASES["small"].draw(4)
    x.requires_grad_()
    quarters = torch.full((), 0.25).expand(2, 4, 11, 13)
    propagate_cuda(x, p, None, quarters, False, False).sum().backward()
    leaf = x.detach().requires_grad_()
    propagate_reference(leaf, p, None, quarters).sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, leaf.grad)


def test_equal_scans_give_the_gradient_to_the_first(
    threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    _use(WHOLE, monkeypatch)
    x, p = torch.randn(1, 1, 5, 7), torch.zeros(1, 4, 1, 3, 5, 7, requires_grad=True)
    propagate_cuda(x, p, None, None, False, False).sum().backward()
    assert p.grad is not None
    assert p.grad[:, 0].any()
    assert not p.grad[:, 1:].any()


def test_nan_reaches_what_is_downstream_and_nothing_else(
    threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    _use(STRIPS, monkeypatch)
    (x, p), _ = CASES["odd"].draw()
    x[0, 1, 20, 17] = float("nan")
    ours = scan_cuda(x, p[:, 0], Direction.LEFT_TO_RIGHT, None, False)
    reference = scan_reference(x, p[:, 0], Direction.LEFT_TO_RIGHT)
    assert torch.equal(ours.isnan(), reference.isnan())


@pytest.mark.parametrize("size", [(0, 2, 5, 7), (2, 0, 5, 7), (2, 2, 0, 7), (2, 2, 5, 0)])
def test_nothing_makes_nothing(size: tuple[int, int, int, int], threads: Threads) -> None:
    x = torch.zeros(size, requires_grad=True)
    p = torch.zeros(size[0], 4, 1, 3, *size[2:], requires_grad=True)
    out = propagate_cuda(x, p, None, None, False, False)
    out.sum().backward()
    assert out.shape == size
    assert x.grad is not None
    assert p.grad is not None
    assert not p.grad.any()


def test_a_plan_for_a_card_is_right_as_it_is(threads: Threads) -> None:
    case = Case((1, 2, 10, 72), groups=1, limit=True)
    tensors, grad = case.draw()

    def by(function: Function) -> Function:
        return lambda x, p: function(x, p[:, 0], Direction.BOTTOM_TO_TOP, None, True)

    _compare(by(scan_cuda), by(scan_reference), tensors, grad)


def test_the_published_scheme_is_the_same_scan(threads: Threads) -> None:
    (x, p), grad = Case((1, 2, 9, 6)).draw()
    for direction in Direction:
        h = percolumn_forward(x, p[:, 0], direction)
        grads = percolumn_backward(x, p[:, 0], h, grad, direction)

        def reference(x: Tensor, p: Tensor, way: Direction = direction) -> Tensor:
            return scan_reference(x, p, way)

        for ours, theirs in zip((h, *grads), outcome(reference, [x, p[:, 0]], grad), strict=True):
            torch.testing.assert_close(ours, theirs)
