"""The match on a real GPU equals the reference, alone and in PyTorch's company."""

from typing import Any

import pytest
import torch
from ops.match_problems import PROBLEMS, Problem, assert_equals_reference, outcome
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from vidprop.errors import InputError
from vidprop.ops.match import match

pytestmark = pytest.mark.cuda

LARGE = PROBLEMS | {
    "r = 2": Problem((2, 65, 131), (65, 131), 2),
    "r = 3, no shared memory": Problem((1, 33, 50), (33, 50), 3, features=64, values=5),
    "r = 4": Problem((2, 61, 99), (61, 99), 4, values=5),
    "one image": Problem((1, 128, 224), (128, 224), 2, values=5),
}


def _drawn(
    problem: Problem = LARGE["r = 4"], dtype: torch.dtype = torch.float32
) -> tuple[list[Tensor], list[Tensor]]:
    tensors, weights = problem.draw(dtype)
    return [t.cuda() for t in tensors], [w.cuda() for w in weights]


def _assert_same(ours: list[Tensor], theirs: list[Tensor]) -> None:
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", LARGE)
def test_match_equals_reference(name: str, dtype: torch.dtype) -> None:
    tensors, weights = LARGE[name].draw(dtype)
    got = outcome(match, [t.cuda() for t in tensors], weights)
    assert {t.dtype for t in got} == {dtype}
    assert_equals_reference(got, tensors, weights)


def test_the_same_bits_every_time() -> None:
    for problem in (LARGE["r = 4"], LARGE["scattered"]):
        tensors, weights = _drawn(problem)
        first = outcome(match, tensors, weights)
        for _ in range(5):
            _assert_same(outcome(match, tensors, weights), first)


def test_every_element_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    tensors, weights = _drawn()
    usual = outcome(match, tensors, weights)
    empty = torch.Tensor.new_empty

    def poisoned(*args: Any, **options: Any) -> Tensor:
        return empty(*args, **options).fill_(float("nan"))

    monkeypatch.setattr(torch.Tensor, "new_empty", poisoned)
    _assert_same(outcome(match, tensors, weights), usual)


def test_no_window_is_gathered() -> None:
    (query, key, value, centre, bias), _ = _drawn(LARGE["one image"])
    match(query, key, value, centre, bias)
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    out, score = match(query, key, value, centre, bias)
    made = torch.cuda.max_memory_allocated() - before
    assert made <= out.nbytes + score.nbytes + 4096


def test_the_current_stream_is_the_one_used() -> None:
    tensors, weights = _drawn()
    usual = outcome(match, tensors, weights)
    late = torch.zeros_like(tensors[0])
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        # Were the kernel on another stream, it would read zeros while this one sleeps.
        torch.cuda._sleep(200_000_000)
        late.copy_(tensors[0])
        ours = outcome(match, [late, *tensors[1:]], weights)
    stream.synchronize()
    _assert_same(ours, usual)


def test_a_graph_replays_it() -> None:
    (query, *rest), _ = _drawn()
    usual = match(query, *rest)
    held = torch.zeros_like(query)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        results = match(held, *rest)
    held.copy_(query)
    graph.replay()
    _assert_same(list(results), list(usual))


def test_checkpointing_changes_nothing() -> None:
    tensors, weights = _drawn()

    def kept(*given: Tensor) -> tuple[Tensor, Tensor]:
        return checkpoint(match, *given, use_reentrant=False)

    _assert_same(outcome(kept, tensors, weights), outcome(match, tensors, weights))


def test_compiling_changes_nothing() -> None:
    (query, *rest), _ = _drawn()

    def call(query: Tensor) -> Tensor:
        return match(query * 2, *rest)[0] + 1

    leaf = query.clone().requires_grad_()
    compiled = torch.compile(call, backend="aot_eager")(leaf)
    assert torch.equal(compiled, call(query))
    compiled.sum().backward()
    assert leaf.grad is not None
    assert leaf.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_autocast_changes_nothing(dtype: torch.dtype) -> None:
    tensors, weights = _drawn()
    usual = outcome(match, tensors, weights)
    with torch.autocast("cuda", dtype):
        _assert_same(outcome(match, tensors, weights), usual)


def test_misfits_are_named() -> None:
    (query, key, value, centre, bias), _ = _drawn(LARGE["odd"])
    with pytest.raises(InputError, match="must share a device, not cpu, cuda:0"):
        match(query, key, value, centre.cpu(), bias)
    with pytest.raises(InputError, match=r"float16 or bfloat16, not torch\.float64"):
        match(query.double(), key.double(), value.double(), centre, bias.double())


def test_another_device_is_launched_on() -> None:
    if torch.cuda.device_count() < 2:
        pytest.skip("one device only")
    tensors, weights = _drawn()
    there = outcome(match, [t.to("cuda:1") for t in tensors], weights)
    _assert_same([t.cuda(0) for t in there], outcome(match, tensors, weights))
