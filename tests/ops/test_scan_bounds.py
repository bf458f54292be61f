"""Nothing is written outside the memory that was asked for, whoever does the work."""

import ctypes
import mmap
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from budget import outcome
from problems import SIZES, Problem
from torch import Tensor

from vidprop.ops.scan import Direction, _launch, _memory, propagate, scan
from vidprop.ops.scan._memory import NUMPY

GUARD = 4096
PATTERN = 113  # a count of something, a pixel's winner and a value, all of them wrong

FORMS: dict[str, dict[str, Any]] = {
    "plain": {},
    "shared": {"groups": 1},
    "shared, given, limited, mixed": {"groups": 1, "injections": 1, "limit": True, "mixed": True},
    "one-way, mixed": {"taps": 1, "mixed": True},
}


class Fence:
    """Blocks with a known pattern before, inside and after them."""

    def __init__(self) -> None:
        self._blocks: list[Any] = []

    def aligned(self, count: int, dtype: torch.dtype) -> Any:
        block = np.full(count + 2 * GUARD, PATTERN, NUMPY[dtype])
        self._blocks.append(block)
        return block[GUARD : GUARD + count]

    def assert_whole(self) -> None:
        assert self._blocks
        for block in self._blocks:
            assert (block[:GUARD] == PATTERN).all()
            assert (block[-GUARD:] == PATTERN).all()


@pytest.fixture
def fence(monkeypatch: pytest.MonkeyPatch) -> Fence:
    fence = Fence()
    for module in (_memory, _launch):
        monkeypatch.setattr(module, "aligned", fence.aligned)
    return fence


@pytest.fixture
def two_threads() -> Iterator[None]:
    count = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(count)


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", SIZES)
def test_blocks_are_kept_to(fence: Fence, size: str, form: str, recompute: bool) -> None:
    problem = Problem(SIZES[size], **FORMS[form])
    tensors, weights = problem.draw()

    def four(*t: Tensor) -> Tensor:
        share, mix = problem.named(t)
        return propagate(t[0], t[1], share, mix=mix, limit=problem.limit, recompute=recompute)

    outcome(four, tensors, weights)
    for way in Direction:
        outcome(lambda x, p, way=way: scan(x, p[:, way.value], way), tensors[:2], weights)
    fence.assert_whole()


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("channels", [2, 3, 9])
def test_a_worker_that_knows_another_number_of_threads_keeps_to_them_too(
    fence: Fence, channels: int, recompute: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyTorch's number of threads is that of each thread when it first asked."""
    problem = Problem((1, channels, 9, 14), groups=1, injections=1, mixed=True)
    tensors, weights = problem.draw()

    def four(*t: Tensor) -> Tensor:
        return propagate(t[0], t[1], t[2], mix=t[3], recompute=recompute)

    expected = outcome(four, tensors, weights)
    torch.set_num_threads(64)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == 64
        torch.set_num_threads(2)

        def elsewhere(count: int, job: Callable[[], None]) -> None:
            for _ in range(count):
                pool.submit(job).result()

        monkeypatch.setattr(_launch, "on_threads", elsewhere)
        found = outcome(four, tensors, weights)
    fence.assert_whole()
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


def _at_a_wall(tensor: Tensor, at_end: bool) -> Tensor:
    """A copy whose first or last byte is beside a page that may not be touched."""
    page = mmap.PAGESIZE
    room = -(-tensor.nbytes // page) * page
    memory = mmap.mmap(-1, room + 2 * page)
    libc = ctypes.CDLL(None, use_errno=True)
    first = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for wall in (first, first + page + room):
        assert libc.mprotect(ctypes.c_void_p(wall), ctypes.c_size_t(page), 0) == 0
    offset = page + (room - tensor.nbytes if at_end else 0)
    values = np.frombuffer(memory, NUMPY[tensor.dtype], tensor.numel(), offset)
    values[:] = tensor.flatten().numpy()
    return torch.from_numpy(values).view(tensor.shape)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is protected through Linux's libc")
@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", SIZES)
def test_nothing_beside_the_inputs_is_touched(size: str, form: str, at_end: bool) -> None:
    """A failure ends the process: memory beside the inputs is not there."""
    problem = Problem(SIZES[size], **FORMS[form])
    tensors, weights = problem.draw()

    def four(*t: Tensor) -> Tensor:
        share, mix = problem.named(t)
        return propagate(t[0], t[1], share, mix=mix, limit=problem.limit)

    walled = [_at_a_wall(t, at_end) for t in tensors]
    found = outcome(four, walled, _at_a_wall(weights, at_end))
    for a, b in zip(found, outcome(four, tensors, weights), strict=True):
        assert torch.equal(a, b)
    one = [_at_a_wall(t, at_end) for t in (tensors[0], tensors[1][:, 0])]
    for way in Direction:
        outcome(lambda x, p, way=way: scan(x, p, way), one, _at_a_wall(weights, at_end))


@pytest.mark.skipif(sys.platform != "linux", reason="memory is protected through Linux's libc")
@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("size", ["one pixel", "one column", "small", "whole tiles"])
def test_nothing_beside_what_a_hook_brings_back_is_touched(size: str, at_end: bool) -> None:
    tensors, weights = Problem(SIZES[size], mixed=True).draw()

    def four(x: Tensor, p: Tensor, mix: Tensor) -> Tensor:
        return propagate(x, p, mix=mix)

    expected = outcome(four, tensors, weights)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: _at_a_wall(t, at_end)):
        found = outcome(four, tensors, weights)
        for way in Direction:
            outcome(lambda x, p, way=way: scan(x, p[:, way.value], way), tensors[:2], weights)
    for a, b in zip(found, expected, strict=True):
        assert torch.equal(a, b)
