"""The scan on a real GPU equals the reference, alone and in PyTorch's company."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from vidprop.ops import _cupy
from vidprop.ops.scan import Direction, _cuda_launch, propagate, scan
from vidprop.ops.scan._cuda import percolumn_backward, percolumn_forward
from vidprop.ops.scan._cuda_plan import Plan, Problem
from vidprop.ops.scan._reference import propagate_reference, scan_reference

pytestmark = pytest.mark.cuda
HALF = (torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class Case:
    """Sizes [N, C, H, W], groups of affinities and of injections (0: none)."""

    size: tuple[int, int, int, int]
    groups: int = 0
    taps: int = 3
    injections: int = 0
    limit: bool = False

    def draw(self, dtype: torch.dtype, directions: int = 1) -> tuple[list[Tensor], Tensor]:
        """x, affinities [N, D, G, K, H, W], injection if any; and the gradient. On the CPU."""
        g = torch.Generator().manual_seed(11)
        n, c, *frame = self.size
        x, grad = torch.randn(2, n, c, *frame, generator=g)
        p = 2 * torch.rand(n, directions, self.groups or c, self.taps, *frame, generator=g) - 1
        share = torch.rand(n, directions, self.injections, *frame, generator=g)
        tensors = [x, p * (0.8 if self.limit else 1 / self.taps), share]
        return [t.to(dtype) for t in tensors[: 3 if self.injections else 2]], grad.to(dtype)


CASES = {
    "one pixel": Case((1, 2, 1, 1)),
    "one row": Case((1, 2, 1, 77)),
    "one column": Case((2, 1, 77, 1)),
    "odd": Case((2, 3, 65, 131), injections=3),
    "aligned": Case((2, 4, 64, 128), limit=True),
    "past a block": Case((1, 2, 1100, 72)),
    "wide, odd": Case((1, 2, 33, 1301), limit=True, injections=1),
    "few planes": Case((1, 1, 512, 640), limit=True),
    "shared": Case((2, 7, 80, 96), groups=1, injections=1, limit=True),
    "shared, many images": Case((40, 5, 40, 48), groups=1),
    "one-way": Case((1, 3, 90, 70), taps=1, injections=3),
}


def _outcome(
    function: Callable[..., Tensor], tensors: list[Tensor], weights: Tensor
) -> list[Tensor]:
    leaves = [t.detach().requires_grad_() for t in tensors]
    value = function(*leaves)
    return [value.detach(), *torch.autograd.grad(value, leaves, weights.to(value))]


def _compare(
    ours: Callable[..., Tensor],
    reference: Callable[..., Tensor],
    tensors: list[Tensor],
    grad: Tensor,
) -> None:
    """Within 4 times the float32 reference's own error, and 4 roundings of the result."""
    got = _outcome(ours, [t.cuda() for t in tensors], grad)
    single = _outcome(reference, [t.float() for t in tensors], grad)
    double = _outcome(reference, [t.double() for t in tensors], grad)
    names = ("value", "x", "affinity", "injection", "mix")
    for name, value, near, exact in zip(names, got, single, double, strict=False):
        error, size = (value.cpu().double() - exact).abs().max(), exact.abs().max()
        budget = 4 * (near.double() - exact).abs().max()
        budget += 4 * torch.finfo(value.dtype).eps * size
        assert error <= budget, f"{name}: off by {error:.3g}, {budget:.3g} allowed"


def _both(case: Case, way: Direction) -> tuple[Callable[..., Tensor], Callable[..., Tensor]]:
    def ours(x: Tensor, p: Tensor, share: Tensor | None = None) -> Tensor:
        return scan(x, p, way, share, limit=case.limit)

    def reference(x: Tensor, p: Tensor, share: Tensor | None = None) -> Tensor:
        return scan_reference(x, p, way, share, case.limit)

    return ours, reference


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("dtype", [torch.float32, *HALF])
@pytest.mark.parametrize("name", CASES)
def test_scan_equals_reference(name: str, dtype: torch.dtype, direction: Direction) -> None:
    (x, p, *share), grad = CASES[name].draw(dtype)
    tensors = [x, p[:, 0], *(s[:, 0] for s in share)]
    _compare(*_both(CASES[name], direction), tensors, grad)


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", ["odd", "aligned", "shared", "few planes"])
def test_mixed_propagate_equals_reference(name: str, dtype: torch.dtype, recompute: bool) -> None:
    case = CASES[name]
    tensors, grad = case.draw(dtype, 4)
    mix = torch.rand(case.size[0], 4, *case.size[2:]).to(dtype)

    def ours(*t: Tensor) -> Tensor:
        share = t[2] if case.injections else None
        return propagate(t[0], t[1], share, mix=t[-1], limit=case.limit, recompute=recompute)

    def reference(*t: Tensor) -> Tensor:
        return propagate_reference(t[0], t[1], t[2] if case.injections else None, t[-1], case.limit)

    _compare(ours, reference, [*tensors, mix], grad)


@pytest.mark.parametrize("name", ["odd", "shared"])
def test_largest_of_four_equals_reference(name: str) -> None:
    case = CASES[name]
    tensors, grad = case.draw(torch.float32, 4)

    def ours(x: Tensor, p: Tensor, share: Tensor | None = None) -> Tensor:
        return propagate(x, p, share, limit=case.limit)

    def reference(x: Tensor, p: Tensor, share: Tensor | None = None) -> Tensor:
        return propagate_reference(x, p, share, None, case.limit)

    _compare(ours, reference, tensors, grad)


@pytest.mark.parametrize(
    "plan",
    [
        {"threads": 64, "segment": 16, "stages": 2, "channels": 1},
        {"threads": 96, "segment": 64, "stages": 3, "channels": 1, "prefetch": 128, "stream": 1},
        {"threads": 160, "segment": 128, "stages": 2, "channels": 1, "prefetch": 0},
        {"threads": 128, "segment": 32, "stages": 4, "channels": 2, "stream": 1},
        {"threads": 96, "segment": 32, "stages": 2, "channels": 4, "team": 2},
        {"threads": 64, "segment": 32, "stages": 3, "channels": 1, "team": 8},
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_way_to_cut_up_a_scan_is_right(
    plan: dict[str, Any], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    if plan.get("team", 1) > 1 and _cupy.card(torch.device("cuda", 0)).arch < 90:
        pytest.skip("clusters of blocks come with sm_90")

    def planned(problem: Problem, kind: str, card: object) -> Plan:
        return Plan(problem, kind, **plan)

    monkeypatch.setattr(_cuda_launch, "plan_scan", planned)
    case = Case((2, 5, 200, 264), groups=1, injections=1, limit=True)
    (x, p, share), grad = case.draw(dtype)
    for way in Direction:
        _compare(*_both(case, way), [x, p[:, 0], share[:, 0]], grad)


def _gradients(x: Tensor, p: Tensor) -> tuple[Tensor, ...]:
    x, p = x.detach().requires_grad_(), p.detach().requires_grad_()
    out = propagate(x, p, limit=True)
    return (out.detach(), *torch.autograd.grad(out.square().sum(), (x, p)))


def _drawn(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    (x, p), _ = Case((2, 6, 120, 168), groups=1).draw(dtype, 4)
    return x.cuda(), p.cuda()


def _assert_same(ours: tuple[Tensor, ...], theirs: tuple[Tensor, ...]) -> None:
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_the_same_bits_every_time() -> None:
    x, p = _drawn()
    first = _gradients(x, p)
    for _ in range(5):
        _assert_same(_gradients(x, p), first)


def test_every_element_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    x, p = _drawn()
    usual = _gradients(x, p)
    empty = torch.Tensor.new_empty

    def poisoned(*args: Any, **options: Any) -> Tensor:
        return empty(*args, **options).fill_(float("nan"))

    monkeypatch.setattr(torch.Tensor, "new_empty", poisoned)
    _assert_same(_gradients(x, p), usual)


def test_the_current_stream_is_the_one_used() -> None:
    x, p = _drawn()
    usual = _gradients(x, p)
    late = torch.zeros_like(x)
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        # Were the kernel on another stream, it would read zeros while this one sleeps.
        torch.cuda._sleep(200_000_000)
        late.copy_(x)
        ours = _gradients(late, p)
    stream.synchronize()
    _assert_same(ours, usual)


def test_a_graph_replays_it() -> None:
    x, p = _drawn()
    usual = propagate(x, p, limit=True)
    held = torch.zeros_like(x)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = propagate(held, p, limit=True)
    held.copy_(x)
    graph.replay()
    assert torch.equal(out, usual)


def test_checkpointing_changes_nothing() -> None:
    x, p = _drawn()
    leaf, q = x.clone().requires_grad_(), p.clone().requires_grad_()

    def call(a: Tensor, b: Tensor) -> Tensor:
        return propagate(a, b, limit=True)

    out = checkpoint(call, leaf, q, use_reentrant=False)
    grads = torch.autograd.grad(out.square().sum(), (leaf, q))
    _assert_same((out.detach(), *grads), _gradients(x, p))


def test_compiling_changes_nothing() -> None:
    x, p = _drawn()

    def call(a: Tensor, b: Tensor) -> Tensor:
        return propagate(a * 2, b, limit=True) + 1

    leaf = x.clone().requires_grad_()
    compiled = torch.compile(call, backend="aot_eager")(leaf, p)
    assert torch.equal(compiled, call(x, p))
    compiled.sum().backward()
    assert leaf.grad is not None
    assert leaf.grad.isfinite().all()


def test_autocast_gives_half_precision_gradients_to_float32_weights() -> None:
    convolution = torch.nn.Conv2d(6, 12, 3, padding=1).cuda()
    x, _ = _drawn()
    with torch.autocast("cuda", torch.bfloat16):
        affinities = convolution(x).tanh().unflatten(1, (4, 1, 3))
        out = propagate(x.bfloat16(), affinities, limit=True)
    assert out.dtype == torch.bfloat16
    out.float().square().mean().backward()
    weight = convolution.weight.grad
    assert weight is not None
    assert weight.dtype == torch.float32
    assert weight.isfinite().all()
    assert weight.any()


def test_past_two_to_the_31_elements() -> None:
    size = (40, 32, 1024, 1664)
    need = 2 * 2 * size[0] * size[1] * size[2] * size[3] + 2**30
    if torch.cuda.mem_get_info()[0] < 1.2 * need:
        pytest.skip(f"needs {need / 2**30:.0f} GiB of the card's memory")
    x = torch.randn(size, dtype=torch.bfloat16, device="cuda")
    p = torch.rand(40, 1, 3, *size[2:], dtype=torch.bfloat16, device="cuda") / 3
    assert x.numel() > 2**31
    for direction in (Direction.RIGHT_TO_LEFT, Direction.TOP_TO_BOTTOM):
        whole = scan(x, p, direction)[-1:, -2:].clone()
        part = scan(x[-1:, -2:].clone(), p[-1:], direction)
        torch.testing.assert_close(whole, part, rtol=0.02, atol=0.02)


def test_another_device_is_launched_on() -> None:
    if torch.cuda.device_count() < 2:
        pytest.skip("one device only")
    x, p = _drawn()
    there = _gradients(x.to("cuda:1"), p.to("cuda:1"))
    _assert_same(tuple(t.cuda(0) for t in there), _gradients(x, p))


def test_the_published_scheme_is_the_same_scan() -> None:
    (x, p), grad = CASES["aligned"].draw(torch.float32)
    for direction in Direction:
        given = x.cuda(), p[:, 0].cuda()
        h = percolumn_forward(*given, direction)
        grads = percolumn_backward(*given, h, grad.cuda(), direction)

        def reference(x: Tensor, p: Tensor, way: Direction = direction) -> Tensor:
            return scan_reference(x, p, way)

        expected = _outcome(reference, [x, p[:, 0]], grad)
        for ours, theirs in zip((h, *grads), expected, strict=True):
            torch.testing.assert_close(ours.cpu(), theirs, rtol=1e-4, atol=1e-4)
