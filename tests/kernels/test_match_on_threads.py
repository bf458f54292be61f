"""The match's CUDA sources on CPU threads equal the reference in values and every gradient."""

import sys
from dataclasses import replace

import pytest
import torch
from kernel_threads import H200, Threads
from ops.match_problems import PROBLEMS, Problem, assert_equals_reference, outcome

from vidprop.errors import BackendError, InputError
from vidprop.ops import _cupy
from vidprop.ops.match import _cuda_launch, match_reference
from vidprop.ops.match._cuda import match_cuda


@pytest.mark.parametrize("name", PROBLEMS)
def test_match_equals_reference(name: str, threads: Threads) -> None:
    tensors, weights = PROBLEMS[name].draw()
    before = [t.clone() for t in tensors]
    assert_equals_reference(outcome(match_cuda, tensors, weights), tensors, weights)
    assert all(torch.equal(t, b) for t, b in zip(tensors, before, strict=True))


def test_without_room_in_shared_memory(threads: Threads, monkeypatch: pytest.MonkeyPatch) -> None:
    small = replace(H200, shared_per_multiprocessor=8192)
    monkeypatch.setattr(_cupy, "card", lambda device: small)
    tensors, weights = PROBLEMS["as in use"].draw()
    assert_equals_reference(outcome(match_cuda, tensors, weights), tensors, weights)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_rounded_once(dtype: torch.dtype, threads: Threads) -> None:
    tensors, weights = PROBLEMS["odd"].draw(dtype)
    got = outcome(match_cuda, tensors, weights)
    assert {t.dtype for t in got} == {dtype}
    assert_equals_reference(got, tensors, weights)


def test_windows_wholly_outside_give_nothing(threads: Threads) -> None:
    tensors, weights = PROBLEMS["odd"].draw()
    limits = torch.iinfo(torch.int32)
    for far in (90, -90, limits.max, limits.min):
        tensors[3] = torch.full_like(tensors[3], far)
        out, score, *grads = outcome(match_cuda, tensors, weights)
        assert (out == 0).all()
        assert (score == -1e4).all()
        assert not any(g.any() for g in grads)


def test_views_of_any_strides_and_addresses(threads: Threads) -> None:
    (query, key, value, centre, bias), weights = PROBLEMS["as in use"].draw()
    turned = query.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1)
    # Its first float is not at a multiple of 16 bytes.
    shifted = torch.cat([key.new_zeros(1), key.flatten()])[1:].view_as(key)
    tensors = [turned, shifted, value.mT.contiguous().mT, centre, bias]
    assert_equals_reference(outcome(match_cuda, tensors, weights), tensors, weights)


def test_gradients_that_nobody_asked_for_are_not_made(
    threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: list[str] = []

    def launch(kernel: _cupy.Kernel, *args: object, **options: object) -> None:
        launched.append(kernel.function)
        threads.launch(kernel, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(_cupy, "launch", launch)
    (query, *rest), _ = PROBLEMS["odd"].draw()
    out, score = match_cuda(query.requires_grad_(), *rest)
    # The gradient of a sum is one value for all pixels, without strides.
    (out.sum() + score.sum()).backward()
    assert launched == ["match_forward", "match_grad_query"]
    leaf = query.detach().requires_grad_()
    sum(t.sum() for t in match_reference(leaf, *rest)).backward()  # type: ignore[union-attr]
    assert query.grad is not None
    torch.testing.assert_close(query.grad, leaf.grad, rtol=1e-4, atol=1e-4)


def test_similarities_of_any_size(threads: Threads) -> None:
    tensors, weights = PROBLEMS["odd"].draw()
    tensors[0] *= 300
    assert_equals_reference(outcome(match_cuda, tensors, weights), tensors, weights)


def test_nan_reaches_the_pixels_that_see_it(threads: Threads) -> None:
    tensors, _ = PROBLEMS["as in use"].draw()
    tensors[1][1, 20, 9, 3] = float("nan")
    tensors[2][0, 11, 5, 0] = float("nan")
    ours, theirs = match_cuda(*tensors), match_reference(*tensors)
    for a, b in zip(ours, theirs, strict=True):
        assert b.isnan().any()
        assert torch.equal(a.isnan(), b.isnan())


@pytest.mark.parametrize(
    "problem",
    [
        Problem((0, 5, 7), (4, 6), 1),
        Problem((2, 0, 7), (4, 6), 1),
        Problem((2, 5, 7), (0, 6), 1),
        Problem((2, 5, 7), (4, 0), 1),
        Problem((2, 5, 7), (4, 6), 1, values=0),
    ],
)
def test_nothing_makes_nothing(problem: Problem, threads: Threads) -> None:
    tensors, weights = problem.draw()
    out, score, *grads = outcome(match_cuda, tensors, weights)
    assert out.shape == weights[0].shape
    assert score.shape == weights[1].shape
    assert not out.any()
    if not problem.values:
        return
    assert not any(g.any() for g in grads)


def test_capacity_holds_what_a_plain_shift_needs() -> None:
    for radius in (2, 3, 4):
        places = _cuda_launch.capacity(16, 5, radius, H200)
        assert places >= (16 + 2 * radius) ** 2
        assert places % 8 == 2
    assert _cuda_launch.capacity(256, 5, 4, H200) == 0


def test_misfits_are_named(threads: Threads) -> None:
    tensors, _ = PROBLEMS["odd"].draw()
    with pytest.raises(InputError, match=r"float16 or bfloat16, not torch\.float64"):
        match_cuda(*(t.double() if t.is_floating_point() else t for t in tensors))
    tensors[4] = tensors[4].to("meta")
    with pytest.raises(InputError, match="must share a device, not cpu, meta"):
        match_cuda(*tensors)


def test_missing_cupy_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    _cupy.check.cache_clear()
    _cupy.card.cache_clear()
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: H200)
    tensors, _ = PROBLEMS["odd"].draw()
    with pytest.raises(BackendError, match=r"pip install 'vidprop\[cuda1\d\]'"):
        match_cuda(*tensors)
