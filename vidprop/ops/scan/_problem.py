"""What a scan is asked for, and its tensors as compiled code sees them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._direction import Direction
from ._fields import Field, line_pitch
from ._memory import NUMPY, empty
from ._merge import SINGLE

DIMS = ("ncyx", "ndckyx", "ndcyx", "ndyx")
# A field for directions along rows, and one for the others.
Pair = tuple[Field, Field]


@dataclass(frozen=True)
class Inputs:
    """x [N, C, H, W], p [N, D, G, K, H, W], injection [N, D, G, H, W], mix [N, D, H, W]."""

    x: Tensor
    p: Tensor
    injection: Tensor | None
    mix: Tensor | None

    def all(self) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        return self.x, self.p, self.injection, self.mix

    def shared(self) -> tuple[bool, bool, bool]:
        """Whether the channels share p; the injection; whether the directions do."""
        C, D, lam = self.x.shape[1], self.p.shape[1], self.injection
        share = lam is not None and lam.shape[2] == 1 < C
        return self.p.shape[2] == 1 < C, share, lam is not None and lam.shape[1] == 1 < D

    def fields(self) -> tuple[Field, Field, Field, Field]:
        x, p, injection, mix = (
            field(tensor, dims, self.x.dtype) for tensor, dims in zip(self.all(), DIMS, strict=True)
        )
        return x, p, injection, mix


@dataclass(frozen=True)
class Plan:
    """Which directions, how they are integrated, what is kept for backward."""

    ways: tuple[Direction, ...]
    mode: int
    limit: bool
    recompute: bool
    keeps: bool

    def table(self) -> Any:
        return np.array([(way.vertical, way.reverse) for way in self.ways], np.int64)


@dataclass(frozen=True)
class Kept:
    """What forward makes: the result; the scans [N, D, C, ...] and whose each pixel is, or None.

    A scan's lanes lie side by side and its lines apart: one along rows is kept transposed.
    """

    out: Tensor
    scans: Tensor | None
    winner: Tensor | None

    @property
    def bytes(self) -> int:
        return sum(t.nbytes for t in (self.out, self.scans) if t is not None)

    @classmethod
    def room(cls, x: Tensor, plan: Plan) -> "Kept":
        N, C = x.shape[:2]
        out, scans, winner = empty(x.shape, x.dtype), None, None
        if plan.mode != SINGLE and plan.keeps:
            winner = empty(x.shape, torch.uint8)
            if not plan.recompute:
                scans = empty((N, len(plan.ways), C, scan_values(x)), x.dtype)
        return cls(out, scans, winner)


def field(tensor: Tensor | None, dims: str, dtype: torch.dtype) -> Field:
    """The tensor's memory and strides; nothing is copied."""
    if tensor is None:
        return Field(np.empty(1, NUMPY[dtype]), 0, 0, 0, 0, 0, 0, 0)
    pairs = list(zip(dims, tensor.shape, tensor.stride(), strict=True))
    extent = 1 + sum((size - 1) * stride for _, size, stride in pairs)
    data = tensor.detach().as_strided((extent,), (1,)).numpy()
    steps = {name: stride for name, size, stride in pairs if size > 1 or name in "yx"}
    return Field(data, 0, *(steps.get(name, 0) for name in "ndckyx"))


def both_ways(scans: Tensor, x: Tensor) -> tuple[Field, Field]:
    """The same memory, [n, d, c, values] or its last dimensions, for either kind of scan."""
    tall, wide = map(line_pitch, x.shape[2:])
    data = scans.view(-1).numpy()
    n, d, c = (0, 0, *scans.stride()[:-1])[-3:]
    return Field(data, 0, n, d, c, 0, 1, tall), Field(data, 0, n, d, c, 0, wide, 1)


def scan_values(x: Tensor) -> int:
    """Room for the scan of a plane, along rows or along columns."""
    H, W = x.shape[2:]
    return max(H * line_pitch(W), W * line_pitch(H))
