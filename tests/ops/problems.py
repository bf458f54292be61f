"""Inputs of the scan, drawn at every size and in every form that it takes."""

from dataclasses import dataclass

import torch
from torch import Tensor

# Past a block, in lines and in tiles: 64 lines of 70 lanes, tiles of 16.
SIZES = {
    "one pixel": (1, 2, 1, 1),
    "one row": (1, 2, 1, 37),
    "one column": (2, 1, 37, 1),
    "two lanes": (1, 1, 2, 19),
    "small": (2, 3, 5, 7),
    "odd": (1, 5, 18, 35),
    "whole tiles": (1, 1, 32, 80),
    "past a block": (1, 2, 70, 131),
}


@dataclass(frozen=True)
class Problem:
    """Sizes [N, C, H, W]; groups of affinities (0: one a channel) and of injections (0: none)."""

    size: tuple[int, int, int, int]
    groups: int = 0
    taps: int = 3
    injections: int = 0
    injection_ways: int = 4
    limit: bool = False
    mixed: bool = False

    def draw(self, dtype: torch.dtype = torch.float32) -> tuple[list[Tensor], Tensor]:
        """x, affinities [N, 4, G, K, H, W], injection and mix if there are any; a gradient."""
        g = torch.Generator().manual_seed(5)
        n, c, *frame = self.size
        x, weights = torch.randn(2, n, c, *frame, generator=g, dtype=torch.float64)
        p = 2 * torch.rand(n, 4, self.groups or c, self.taps, *frame, generator=g) - 1
        tensors = [x, p.double() * (0.9 if self.limit else 1 / self.taps)]
        if self.injections:
            shape = (n, self.injection_ways, self.injections, *frame)
            tensors.append(torch.rand(shape, generator=g).double())
        if self.mixed:
            tensors.append(torch.rand(n, 4, *frame, generator=g).double())
        return [t.to(dtype) for t in tensors], weights.to(dtype)

    def named(self, tensors: tuple[Tensor, ...]) -> tuple[Tensor | None, Tensor | None]:
        """Injection and mix among what `draw` gave."""
        rest = list(tensors[2:])
        injection = rest.pop(0) if self.injections else None
        return injection, rest.pop(0) if self.mixed else None
