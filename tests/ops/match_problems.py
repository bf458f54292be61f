"""Problems for the match's kernels, and the one tolerance on them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from vidprop.ops.match import match_reference

NAMES = ("out", "score", "query", "key", "value", "bias")
Match: TypeAlias = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Problem:
    """Sizes of query and reference; centres lie `spread` around a shift of (3, -2) at most."""

    size: tuple[int, int, int]
    reference: tuple[int, int]
    radius: int
    features: int = 16
    values: int = 4
    spread: int = 1

    def draw(self, dtype: torch.dtype = torch.float32) -> tuple[list[Tensor], list[Tensor]]:
        """The five arguments of a match, and the gradients of its two results. On the CPU."""
        g = torch.Generator().manual_seed(5)
        n, height, width = self.size

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=g).to(dtype)

        query, key = normal(*self.size, self.features), normal(n, *self.reference, self.features)
        value, bias = normal(n, *self.reference, self.values), normal((2 * self.radius + 1) ** 2)
        rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        around = torch.randint(-self.spread, self.spread + 1, (*self.size, 2), generator=g)
        centre = (torch.stack([columns + 3, rows - 2], -1) + around).int()
        weights = [normal(*self.size, self.values), normal(*self.size)]
        return [query, key, value, centre, bias], weights


PROBLEMS = {
    "one pixel, no radius": Problem((1, 1, 1), (1, 4), 0, features=1, values=1),
    "one row": Problem((2, 1, 19), (3, 8), 3, features=6, values=2),
    "one column": Problem((1, 19, 1), (17, 5), 1, features=3, values=5),
    "odd": Problem((3, 9, 21), (7, 18), 2, features=7, values=3),
    "as in use": Problem((2, 33, 18), (35, 17), 4, values=5),
    "a larger reference": Problem((1, 17, 16), (41, 37), 2, features=12, values=4),
    "scattered": Problem((2, 18, 17), (47, 41), 3, values=5, spread=60),
    "mostly outside": Problem((2, 19, 17), (3, 2), 1, features=4, spread=25),
}


def outcome(match: Match, tensors: Sequence[Tensor], weights: Sequence[Tensor]) -> list[Tensor]:
    """out and score, and the gradients of query, key, value and bias of their weighted sums."""
    centre = tensors[3]
    leaves = [t.detach().requires_grad_() for t in tensors if t is not centre]
    query, key, value, bias = leaves
    results = match(query, key, value, centre, bias)
    weights = [w.to(r) for w, r in zip(weights, results, strict=True)]
    grads = torch.autograd.grad(results, leaves, weights)
    return [*(r.detach() for r in results), *grads]


def assert_equals_reference(
    got: Sequence[Tensor], tensors: Sequence[Tensor], weights: Sequence[Tensor]
) -> None:
    """max|kernel - exact| <= 4 * max|float32 reference - exact| + 4 * eps * max|exact|."""
    single = outcome(match_reference, _as(tensors, torch.float32), weights)
    double = outcome(match_reference, _as(tensors, torch.float64), weights)
    seen = double[1] > -1e3
    assert torch.equal(got[1].cpu()[~seen], double[1][~seen].to(got[1].dtype))
    assert not got[0].cpu()[~seen].any()
    for name, ours, close, exact in zip(NAMES, got, single, double, strict=True):
        # Where a window is outside the score is far larger than any other.
        where = seen if name == "score" else torch.ones_like(exact, dtype=torch.bool)
        assert ours.shape == exact.shape
        error, size = _largest(ours.cpu().double() - exact, where), _largest(exact, where)
        allowed = 4 * _largest(close.double() - exact, where)
        allowed += 4 * torch.finfo(ours.dtype).eps * size
        assert error <= allowed, f"{name}: off by {error:.3g}, {allowed:.3g} allowed"


def _as(tensors: Sequence[Tensor], dtype: torch.dtype) -> list[Tensor]:
    return [t.cpu().to(dtype) if t.is_floating_point() else t.cpu() for t in tensors]


def _largest(tensor: Tensor, where: Tensor) -> float:
    # A NaN is the largest.
    return float(tensor[where].abs().max()) if where.any() else 0.0
