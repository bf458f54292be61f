"""What `scan` and `propagate` accept, refuse and promise, whatever the backend."""

import multiprocessing
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from budget import outcome
from problems import Problem
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from vidprop.errors import BackendError, InputError
from vidprop.ops.scan import Direction, cascade, propagate, scan
from vidprop.ops.scan._reference import propagate_reference, scan_reference

LEFT = Direction.LEFT_TO_RIGHT


def _x(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.zeros(shape, dtype=dtype)


X, P = _x(2, 3, 4, 5), _x(2, 3, 3, 4, 5)
P4 = _x(2, 4, 3, 3, 4, 5)

REFUSED: dict[str, tuple[Callable[[], Tensor], str]] = {
    "not a tensor": (
        lambda: scan([1.0], P, LEFT),  # type: ignore[arg-type]
        "x must be a Tensor, got list",
    ),
    "not a direction": (
        lambda: scan(X, P, 0),  # type: ignore[arg-type]
        "direction must be a Direction, got 0",
    ),
    "x of three dimensions": (
        lambda: scan(_x(3, 4, 5), P, LEFT),
        "x must be [N, C, H, W], got [3, 4, 5]",
    ),
    "affinity of four dimensions": (
        lambda: scan(X, _x(2, 3, 4, 5), LEFT),
        "affinity must be [N, G, K, H, W], got [2, 3, 4, 5]",
    ),
    "two groups for three channels": (
        lambda: scan(X, _x(2, 2, 3, 4, 5), LEFT),
        "affinity must be [2, 3 or 1, 3 or 1, 4, 5] for planes of shape [2, 3, 4, 5], "
        "got [2, 2, 3, 4, 5]",
    ),
    "five neighbours": (
        lambda: scan(X, _x(2, 3, 5, 4, 5), LEFT),
        "affinity must be [2, 3 or 1, 3 or 1, 4, 5] for planes of shape [2, 3, 4, 5], "
        "got [2, 3, 5, 4, 5]",
    ),
    "injection of another size": (
        lambda: scan(X, P, LEFT, _x(2, 3, 4, 6)),
        "injection must be [2, 3 or 1, 4, 5] for planes of shape [2, 3, 4, 5], got [2, 3, 4, 6]",
    ),
    "injection for each channel, affinities shared": (
        lambda: scan(X, _x(2, 1, 3, 4, 5), LEFT, _x(2, 3, 4, 5)),
        "injection must be [2, 1, 4, 5] for planes of shape [2, 3, 4, 5], got [2, 3, 4, 5]",
    ),
    "whole numbers": (
        lambda: scan(X.int(), P, LEFT),
        "x must be one of float32, float64, float16, bfloat16, got int32",
    ),
    "another device": (
        lambda: scan(X, P.to("meta"), LEFT),
        "affinity must be on the device of x, cpu, got meta",
    ),
    "a device without a backend": (
        lambda: scan(X.to("meta"), P.to("meta"), LEFT),
        "x must be on the CPU or a CUDA device, got meta",
    ),
    "three directions": (
        lambda: propagate(X, P4[:, :3]),
        "affinities must be [2, 4, 3 or 1, 3 or 1, 4, 5] for planes of shape [2, 3, 4, 5], "
        "got [2, 3, 3, 3, 4, 5]",
    ),
    "injection for two directions": (
        lambda: propagate(X, P4, _x(2, 2, 1, 4, 5)),
        "injection must be [2, 4 or 1, 3 or 1, 4, 5] for planes of shape [2, 3, 4, 5], "
        "got [2, 2, 1, 4, 5]",
    ),
    "mix for each channel": (
        lambda: propagate(X, P4, mix=_x(2, 4, 3, 4, 5)),
        "mix must be [2, 4, 4, 5] for planes of shape [2, 3, 4, 5], got [2, 4, 3, 4, 5]",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_in_words(case: str) -> None:
    call, text = REFUSED[case]
    with pytest.raises(InputError, match=f"^{re.escape(text)}$"):
        call()


def test_inputs_are_left_alone() -> None:
    problem = Problem((2, 3, 9, 20), injections=1, mixed=True, limit=True)
    tensors, weights = problem.draw()
    before = [t.clone() for t in (*tensors, weights)]
    outcome(lambda *t: propagate(t[0], t[1], t[2], mix=t[3], limit=True), tensors, weights)
    for now, then in zip((*tensors, weights), before, strict=True):
        assert torch.equal(now, then)


@pytest.mark.parametrize("shape", [(0, 3, 4, 5), (2, 0, 4, 5), (2, 3, 0, 5), (2, 3, 4, 0)])
def test_nothing_in_nothing_out(shape: tuple[int, int, int, int]) -> None:
    n, c, h, w = shape
    for groups in (1, c):
        x, p = torch.randn(shape), torch.rand(n, 4, groups, 3, h, w)
        value, dx, dp = outcome(propagate, [x, p], torch.randn(shape))
        assert value.shape == dx.shape == shape
        assert torch.equal(dp, torch.zeros_like(p))


def _slices(x: Tensor, p: Tensor) -> tuple[Tensor, Tensor]:
    """x and p as channels of one convolution's output, one after the other, with others between."""
    ways, groups, taps = p.shape[1:4]
    whole = torch.cat([p.flatten(1, 3), x, torch.full_like(x, torch.nan)], 1)
    return whole[:, -2 * x.shape[1] : -x.shape[1]], whole[:, : ways * groups * taps].view_as(p)


LAYOUTS: dict[str, Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]] = {
    "slices of one tensor": _slices,
    "channels last": lambda x, p: (
        x.to(memory_format=torch.channels_last),
        p.movedim(3, -1).contiguous().movedim(-1, 3),
    ),
    "rows and columns swapped": lambda x, p: (x.mT.contiguous().mT, p.mT.contiguous().mT),
    "expanded": lambda x, p: (x[:, :1].expand_as(x), p[:, :1].expand_as(p)),
    "every second pixel": lambda x, p: (
        x.repeat_interleave(2, -1)[..., ::2],
        p.repeat_interleave(2, -2)[..., ::2, :],
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_memory_is_read_as_it_lies(layout: str) -> None:
    (x, p), weights = Problem((2, 3, 21, 34)).draw()
    x, p = LAYOUTS[layout](x, p)
    usual = outcome(propagate, [x.contiguous(), p.contiguous()], weights)
    for a, b in zip(outcome(propagate, [x, p], weights), usual, strict=True):
        assert torch.equal(a, b)
    strange = outcome(propagate, [x, p], weights.sum().expand_as(weights))
    plain = outcome(propagate, [x, p], weights.sum().expand_as(weights).contiguous())
    assert all(torch.equal(a, b) for a, b in zip(strange, plain, strict=True))


@pytest.mark.parametrize("way", Direction)
def test_nan_stays_downstream(way: Direction) -> None:
    (x, p), _ = Problem((1, 2, 20, 33)).draw()
    clean = scan(x, p[:, 0], way)
    x[0, 1, 9, 13] = torch.nan
    found, expected = scan(x, p[:, 0], way), scan_reference(x, p[:, 0], way)
    assert torch.equal(found.isnan(), expected.isnan())
    assert found.isnan().any()
    assert torch.equal(found[~found.isnan()], clean[~found.isnan()])


def test_nan_is_the_largest() -> None:
    (x, p), weights = Problem((1, 2, 20, 33)).draw()
    x[0, 0, 4, 4] = torch.nan
    found, expected = propagate(x, p), propagate_reference(x, p)
    assert torch.equal(found.isnan(), expected.isnan())
    assert outcome(propagate, [x, p], weights)[1].shape == x.shape


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_single_precision_rounded(dtype: torch.dtype) -> None:
    (x, p), weights = Problem((1, 2, 9, 20), limit=True).draw(dtype)
    half = outcome(lambda x, p: propagate(x, p, limit=True), [x, p], weights)
    single = outcome(
        lambda x, p: propagate(x, p, limit=True), [x.float(), p.float()], weights.float()
    )
    for a, b in zip(half, single, strict=True):
        assert a.dtype == dtype
        assert torch.equal(a, b.to(dtype))


def test_dtypes_meet_in_the_wider_one() -> None:
    (x, p), _ = Problem((1, 2, 5, 7)).draw()
    mixed = scan(x, p[:, 0].bfloat16(), LEFT)
    assert mixed.dtype == torch.float32
    assert torch.equal(mixed, scan(x, p[:, 0].bfloat16().float(), LEFT))
    assert scan(x.double(), p[:, 0], LEFT).dtype == torch.float64


def test_autocast_does_not_lower_it() -> None:
    (x, p), weights = Problem((1, 2, 9, 20)).draw()
    usual = outcome(propagate, [x, p], weights)
    with torch.autocast("cpu", torch.bfloat16):
        cast = outcome(propagate, [x, p], weights)
    assert all(torch.equal(a, b) for a, b in zip(cast, usual, strict=True))


def test_checkpointing_changes_nothing() -> None:
    (x, p), weights = Problem((1, 2, 9, 20)).draw()

    def again(x: Tensor, p: Tensor) -> Tensor:
        kept = checkpoint(propagate, x, p, use_reentrant=False)
        assert isinstance(kept, Tensor)
        return kept

    usual = outcome(propagate, [x, p], weights)
    assert all(
        torch.equal(a, b) for a, b in zip(outcome(again, [x, p], weights), usual, strict=True)
    )


@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")
def test_compiled_graphs_call_it() -> None:
    (x, p), weights = Problem((1, 2, 9, 20)).draw()

    def model(x: Tensor, p: Tensor) -> Tensor:
        return 2 * propagate(x + 1, p * 0.5)

    compiled = torch.compile(model, backend="eager")
    usual = outcome(model, [x, p], weights)
    assert all(
        torch.equal(a, b) for a, b in zip(outcome(compiled, [x, p], weights), usual, strict=True)
    )


def test_second_derivatives_are_refused() -> None:
    (x, p), _ = Problem((1, 1, 4, 5)).draw()
    x.requires_grad_()
    p.requires_grad_()
    (dx,) = torch.autograd.grad(propagate(x, p).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="cannot be differentiated again"):
        (dx.sum() + p.sum()).backward()


def test_only_what_is_asked_for_gets_a_gradient() -> None:
    problem = Problem((2, 3, 9, 20), injections=1, mixed=True)
    tensors, weights = problem.draw()
    every = outcome(lambda *t: propagate(t[0], t[1], t[2], mix=t[3]), tensors, weights)[1:]
    for i, expected in enumerate(every):
        leaves = [t.clone().requires_grad_(i == j) for j, t in enumerate(tensors)]
        propagate(leaves[0], leaves[1], leaves[2], mix=leaves[3]).backward(weights)
        grads = [leaf.grad for leaf in leaves]
        assert [grad is not None for grad in grads] == [i == j for j in range(4)]
        assert torch.equal(grads[i], expected)  # type: ignore[arg-type]


def test_a_cascade_is_one_unit_after_the_other() -> None:
    (x, p), _ = Problem((1, 2, 9, 20), limit=True).draw()
    twice = propagate(propagate(x, p, limit=True), p, limit=True)
    assert torch.equal(cascade(x, [p, p], limit=True), twice)


def test_callers_may_be_threads() -> None:
    (x, p), _ = Problem((3, 4, 30, 40)).draw()
    expected = propagate(x, p)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: propagate(x, p), range(32)):
            assert torch.equal(found, expected)


def _in_child(queue: "multiprocessing.Queue[float]", x: Tensor, p: Tensor) -> None:
    torch.set_num_threads(2)
    queue.put(float(propagate(x, p).sum()))


@pytest.mark.skipif(sys.platform != "linux", reason="fork is Linux's way to start workers")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_it_works_in_a_fork_of_a_process_that_used_it() -> None:
    (x, p), _ = Problem((3, 4, 30, 40)).draw()
    expected = float(propagate(x, p).sum())
    forked = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[float] = forked.Queue()
    child = forked.Process(target=_in_child, args=(queue, x, p))
    child.start()
    assert queue.get(timeout=60) == pytest.approx(expected, rel=1e-4)
    child.join()


def test_importing_compiles_and_loads_nothing() -> None:
    code = (
        "import sys, vidprop.ops.scan; "
        "assert not {'numba', 'cupy', 'torch._dynamo'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_cuda_without_cupy_names_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from vidprop.ops import _cupy
    from vidprop.ops.scan import _dispatch

    _cupy.check.cache_clear()
    monkeypatch.setitem(sys.modules, "cupy", None)
    x, p = torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 3, 2, 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: None)
    monkeypatch.setattr(Tensor, "is_cuda", property(lambda self: True))
    with pytest.raises(BackendError, match=r"pip install 'vidprop\[cuda"):
        _dispatch.run_scan(x, p, LEFT, None, False)
