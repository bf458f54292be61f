"""Memory that is used again is never used twice at a time, and does not pile up."""

import gc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from problems import Problem

from vidprop.ops.scan import _memory, propagate
from vidprop.ops.scan._memory import Store, aligned, empty

MIB = 2**20


def _address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def test_a_freed_block_is_used_again() -> None:
    store = Store(8 * MIB)
    first = store.take(2 * MIB)
    address = _address(first)
    assert store.idle_bytes == 0
    del first
    assert store.idle_bytes == 2 * MIB
    assert _address(store.take(2 * MIB)) == address


def test_a_view_keeps_its_block() -> None:
    store = Store(8 * MIB)
    view = torch.from_numpy(store.take(2 * MIB))[7:9]
    assert store.idle_bytes == 0
    other = store.take(2 * MIB)
    other.fill(1)
    view.fill_(5)
    assert other.max() == 1
    del view
    assert store.idle_bytes == 2 * MIB


@pytest.mark.parametrize("size", [MIB, 2 * MIB - 1, 3 * MIB])
def test_a_block_much_larger_or_too_small_is_left(size: int) -> None:
    store = Store(8 * MIB)
    store.take(2 * MIB + (MIB if size == MIB else 0))
    fits = size == 2 * MIB - 1
    taken = store.take(size)
    assert taken.nbytes >= size
    assert (store.idle_bytes == 0) == fits


def test_idle_blocks_are_bounded() -> None:
    store = Store(8 * MIB)
    blocks = [store.take(3 * MIB) for _ in range(5)]
    while blocks:
        blocks.pop()
        assert store.idle_bytes <= 8 * MIB
    assert store.idle_bytes == 6 * MIB


def test_a_block_past_the_limit_is_not_kept() -> None:
    store = Store(MIB)
    store.take(2 * MIB)
    assert store.idle_bytes == 0


def test_threads_never_share_a_block() -> None:
    store = Store(64 * MIB)

    def work(name: int) -> bool:
        alone = True
        for i in range(200):
            block = store.take(MIB + i % 3 * MIB // 8)
            block[::4096] = name
            if i % 10 == 0:
                gc.collect(0)
            alone &= bool((block[::4096] == name).all())
        return alone

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))
    assert 0 < store.idle_bytes <= 64 * MIB


def test_a_garbage_collection_in_the_middle_gives_back_too() -> None:
    store = Store(64 * MIB)
    for _ in range(20):
        ring: list[object] = [store.take(MIB)]
        ring.append(ring)
        del ring
        store.take(MIB)
    gc.collect()
    assert store.idle_bytes >= MIB


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.uint8])
@pytest.mark.parametrize("count", [0, 1, 100_000, 2_000_000])
def test_blocks_begin_at_a_cache_line(count: int, dtype: torch.dtype) -> None:
    block = aligned(count, dtype)
    assert block.size == count
    assert _address(block) % 64 == 0 or not count
    assert empty((count,), dtype).dtype == dtype


def test_results_that_live_are_not_written_again() -> None:
    tensors, _ = Problem((1, 4, 256, 300), groups=1).draw()
    first = propagate(*tensors)
    copy = first.clone()
    others = [propagate(*(2 * t for t in tensors)) for _ in range(3)]
    assert torch.equal(first, copy)
    assert len({t.data_ptr() for t in (first, *others)}) == 4


def test_a_graph_keeps_what_its_backward_needs() -> None:
    tensors, weights = Problem((1, 4, 256, 300), groups=1).draw()
    leaves = [t.requires_grad_() for t in tensors]
    expected = torch.autograd.grad(propagate(*leaves), leaves, weights)
    value = propagate(*leaves)
    for _ in range(3):
        propagate(*(t.detach() * 3 for t in leaves))
    for a, b in zip(torch.autograd.grad(value, leaves, weights), expected, strict=True):
        assert torch.equal(a, b)


def test_what_is_kept_is_bounded() -> None:
    assert _memory._store.idle_bytes <= _memory.MOST_IDLE
