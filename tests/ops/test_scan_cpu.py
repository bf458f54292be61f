"""The compiled scan is the definition: values, every gradient, at every size."""

from typing import Any

import pytest
import torch
from budget import assert_within_budget, outcome
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import SIZES, Problem
from torch import Tensor

from vidprop.ops.scan import Direction, _launch, _memory, propagate, scan
from vidprop.ops.scan._reference import propagate_reference, scan_reference

FORMS = {
    "plain": {},
    "given": {"injections": -1},
    "shared": {"groups": 1},
    "shared, given, limited": {"groups": 1, "injections": 1, "limit": True},
    "limited": {"limit": True},
    "one injection for all channels": {"injections": 1, "injection_ways": 1},
    "one-way": {"taps": 1},
    "shared, one-way, limited": {"groups": 1, "taps": 1, "limit": True},
    "shared, one-way, one injection": {
        "groups": 1,
        "taps": 1,
        "injections": 1,
        "injection_ways": 1,
    },
    "one-way, limited, given": {"taps": 1, "limit": True, "injections": -1},
}


def _problem(size: str, form: str, **more: object) -> Problem:
    settings = {**FORMS[form], **more}
    if settings.get("injections") == -1:
        settings["injections"] = SIZES[size][1]
    return Problem(SIZES[size], **settings)  # type: ignore[arg-type]


def _assert_scans_equal(problem: Problem, dtype: torch.dtype) -> None:
    tensors, weights = problem.draw(dtype)
    for way in Direction:
        one_way = [tensors[0], *(t[:, min(way.value, t.shape[1] - 1)] for t in tensors[1:])]

        def ours(x: Tensor, p: Tensor, share: Tensor | None = None, way: Direction = way) -> Tensor:
            return scan(x, p, way, share, limit=problem.limit)

        def plain(
            x: Tensor, p: Tensor, share: Tensor | None = None, way: Direction = way
        ) -> Tensor:
            return scan_reference(x, p, way, share, problem.limit)

        assert_within_budget(ours, plain, one_way, weights)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", ["one pixel", "one row", "one column", "two lanes", "small"])
def test_small_scans_equal_reference(size: str, form: str) -> None:
    _assert_scans_equal(_problem(size, form), torch.float32)


@pytest.mark.parametrize("form", ["plain", "shared, given, limited"])
@pytest.mark.parametrize("size", ["whole tiles", "past a block"])
def test_scans_of_several_blocks_equal_reference(size: str, form: str) -> None:
    _assert_scans_equal(_problem(size, form), torch.float32)


@pytest.mark.parametrize("form", FORMS)
def test_double_precision_equals_reference(form: str) -> None:
    _assert_scans_equal(_problem("odd", form), torch.float64)


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", ["one pixel", "odd"])
def test_propagate_equals_reference(size: str, form: str, mixed: bool, recompute: bool) -> None:
    problem = _problem(size, form, mixed=mixed)
    tensors, weights = problem.draw()

    def ours(*t: Tensor) -> Tensor:
        share, mix = problem.named(t)
        return propagate(t[0], t[1], share, mix=mix, limit=problem.limit, recompute=recompute)

    def plain(*t: Tensor) -> Tensor:
        return propagate_reference(t[0], t[1], *problem.named(t), problem.limit)

    assert_within_budget(ours, plain, tensors, weights)


@pytest.mark.parametrize("mixed", [False, True])
def test_threads_do_not_change_the_result(mixed: bool) -> None:
    problem = Problem((1, 9, 21, 30), groups=1, injections=1, limit=True, mixed=mixed)
    tensors, weights = problem.draw()

    def ours(*t: Tensor) -> Tensor:
        share, mix = problem.named(t)
        return propagate(t[0], t[1], share, mix=mix, limit=True)

    count = torch.get_num_threads()
    try:
        results = []
        for threads in (1, 3, 64):
            torch.set_num_threads(threads)
            results.append(outcome(ours, tensors, weights))
    finally:
        torch.set_num_threads(count)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("groups", [0, 1])
@pytest.mark.parametrize("mixed", [False, True])
def test_how_tensors_lie_does_not_change_the_result(groups: int, mixed: bool) -> None:
    """Lanes of some lie side by side along rows, of some along columns, of some nowhere."""
    problem = Problem((2, 3, 21, 34), groups, injections=groups, mixed=mixed)
    tensors, weights = problem.draw()

    def ours(*t: Tensor) -> Tensor:
        share, mix = problem.named(t)
        return propagate(t[0], t[1], share, mix=mix)

    expected = outcome(ours, tensors, weights)
    apart = [torch.stack([t, t], -1)[..., 0] for t in tensors]
    turned = [t.mT.contiguous().mT for t in tensors]
    for x, *others in (turned, apart, (turned[0], *tensors[1:]), (tensors[0], *turned[1:])):
        for a, b in zip(outcome(ours, [x, *others], weights), expected, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


def test_a_large_frame_equals_reference() -> None:
    tensors, weights = Problem((1, 1, 400, 700), limit=True).draw()

    def ours(x: Tensor, p: Tensor) -> Tensor:
        return scan(x, p, Direction.TOP_TO_BOTTOM, limit=True)

    def plain(x: Tensor, p: Tensor) -> Tensor:
        return scan_reference(x, p, Direction.TOP_TO_BOTTOM, limit=True)

    assert_within_budget(ours, plain, [tensors[0], tensors[1][:, 2]], weights)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mixed", [False, True])
def test_gradients_are_the_slopes(form: str, mixed: bool) -> None:
    problem = _problem("small", form, mixed=mixed)
    tensors, _ = problem.draw(torch.float64)

    def ours(*t: Tensor) -> Tensor:
        share, mix = problem.named(t)
        return propagate(t[0], t[1], share, mix=mix, limit=problem.limit)

    leaves = [t.requires_grad_() for t in tensors]
    assert torch.autograd.gradcheck(ours, leaves, fast_mode=True)


@settings(max_examples=30, deadline=None)
@given(
    size=st.tuples(*[st.integers(1, 20)] * 2),
    strength=st.floats(0.1, 50),
    seed=st.integers(0, 2**31),
    way=st.sampled_from(Direction),
    taps=st.sampled_from([1, 3]),
)
def test_limited_scan_never_amplifies(
    size: tuple[int, int], strength: float, seed: int, way: Direction, taps: int
) -> None:
    """Where the injection is what the affinities leave and they are positive: between extremes.

    Whatever their signs, a limited scan without input at later steps only decays.
    """
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(1, 2, *size, generator=g)
    p = strength * torch.rand(1, 2, taps, *size, generator=g)
    h = scan(x, p, way, limit=True)
    slack = 1e-4 * x.abs().max()
    assert h.max() <= x.max() + slack
    assert h.min() >= x.min() - slack
    signed = p * (torch.randint(0, 2, p.shape, generator=g) * 2 - 1)
    first = torch.zeros(1, 1, *size)
    edge = {True: first.transpose(-1, -2), False: first}[way.vertical]
    edge[..., -1 if way.reverse else 0] = 1
    h = scan(x, signed, way, first.expand(1, 2, *size), limit=True)
    assert h.abs().max() <= (x * first).abs().max() + slack


@pytest.mark.parametrize("vertical", [False, True])
def test_opposite_directions_mirror_each_other(vertical: bool) -> None:
    (x, p), _ = Problem((2, 3, 21, 34)).draw()
    there, back = [way for way in Direction if way.vertical == vertical]
    dim = -2 if vertical else -1
    mirrored = scan(x.flip(dim), p[:, 0].flip(dim), back).flip(dim)
    assert torch.equal(scan(x, p[:, 0], there), mirrored)


def test_rows_and_columns_turn_into_each_other() -> None:
    (x, p), _ = Problem((2, 3, 21, 34)).draw()
    turned = scan(x.mT, p[:, 0].mT, Direction.TOP_TO_BOTTOM).mT
    torch.testing.assert_close(
        scan(x, p[:, 0], Direction.LEFT_TO_RIGHT), turned, rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("recompute", [False, True])
def test_every_element_is_written(recompute: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem((2, 6, 19, 23), groups=1, injections=1, limit=True, mixed=True)
    tensors, weights = problem.draw()

    def ours(*t: Tensor) -> Tensor:
        share, mix = problem.named(t)
        return propagate(t[0], t[1], share, mix=mix, limit=True, recompute=recompute)

    usual = outcome(ours, tensors, weights)
    aligned = _memory.aligned

    def poisoned(count: int, dtype: torch.dtype) -> Any:
        made = aligned(count, dtype)
        made.fill(255 if dtype == torch.uint8 else float("nan"))
        return made

    for module in (_memory, _launch):
        monkeypatch.setattr(module, "aligned", poisoned)
    for a, b in zip(usual, outcome(ours, tensors, weights), strict=True):
        assert torch.equal(a, b)
