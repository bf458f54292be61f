"""From tensors to the compiled code's arguments, scratch and threads."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._direction import Direction
from ._fields import Field, block_values, line_pitch
from ._merge import MERGE_BLOCKS, SINGLE
from ._pool import on_threads, thread_count
from ._walk import FORWARD_BLOCKS
from ._walk_back import BACKWARD_BLOCKS
from ._work import backward, forward

# Planes that share affinities are walked this many at a time.
_AT_ONCE = 4
_LINE = 64

_NUMPY: dict[torch.dtype, Any] = {
    torch.float32: np.float32,
    torch.float64: np.float64,
    torch.uint8: np.uint8,
}
_DIMS = ("ncyx", "ndckyx", "ndcyx", "ndyx")


@dataclass(frozen=True)
class Inputs:
    """x [N, C, H, W], p [N, D, G, K, H, W], injection [N, D, G, H, W], mix [N, D, H, W]."""

    x: Tensor
    p: Tensor
    injection: Tensor | None
    mix: Tensor | None

    def all(self) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        return self.x, self.p, self.injection, self.mix

    @property
    def at_once(self) -> int:
        return min(_AT_ONCE, self.x.shape[1]) if self.p.shape[2] == 1 else 1

    def shared(self) -> tuple[bool, bool, bool]:
        """Whether the channels share p; the injection; whether the directions do."""
        C, D, lam = self.x.shape[1], self.p.shape[1], self.injection
        share = lam is not None and lam.shape[2] == 1 < C
        return self.p.shape[2] == 1 < C, share, lam is not None and lam.shape[1] == 1 < D

    def fields(self) -> tuple[Field, Field, Field, Field]:
        x, p, injection, mix = (
            field(tensor, dims, self.x.dtype)
            for tensor, dims in zip(self.all(), _DIMS, strict=True)
        )
        return x, p, injection, mix

    def scratch(self, blocks: int, dtype: Any) -> Any:
        return _aligned(blocks * max(map(block_values, self.x.shape[2:])), dtype)


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

    @classmethod
    def room(cls, x: Tensor, plan: Plan) -> "Kept":
        N, C = x.shape[:2]
        out, scans, winner = _empty(x.shape, x.dtype), None, None
        if plan.mode != SINGLE and plan.keeps:
            winner = _empty(x.shape, torch.uint8)
            if not plan.recompute:
                scans = _empty((N, len(plan.ways), C, _scan_values(x)), x.dtype)
        return cls(out, scans, winner)


def run_forward(given: Inputs, plan: Plan, kept: Kept) -> None:
    """Fill what `kept` has room for."""
    H, W = given.x.shape[2:]
    tasks = _forward_tasks(given, kept.scans is not None)
    flags = (given.p.shape[3] == 3, given.injection is not None, plan.limit, plan.mode, plan.keeps)
    ins, table, counter = given.fields(), plan.table(), np.zeros(1, np.int64)
    dtype = _NUMPY[given.x.dtype]
    out, winner = field(kept.out, "ncyx", given.x.dtype), _winners(kept)

    def job() -> None:
        scans = _scans(given, kept, len(plan.ways))
        work = given.scratch(max(FORWARD_BLOCKS, MERGE_BLOCKS), dtype)
        forward(counter, tasks, table, (H, W), ins, (scans, out, winner), flags, work)

    on_threads(min(thread_count(), len(tasks)), job)


def run_backward(
    g: Tensor, given: Inputs, plan: Plan, kept: Kept, wants: Sequence[bool]
) -> list[Tensor | None]:
    """The gradients of the inputs that are wanted."""
    H, W = given.x.shape[2:]
    copies = _copies(given)
    tasks = _backward_tasks(given, copies)
    shared_p, shared_l, _ = given.shared()
    parts = (1, copies if shared_p else 1, copies if shared_l else 1, copies)
    grads = [
        _room(t, n) if want and t is not None else None
        for t, n, want in zip(given.all(), parts, wants, strict=True)
    ]
    dtype = given.x.dtype
    outs = tuple(field(grad, dims, dtype) for grad, dims in zip(grads, _DIMS, strict=True))
    x, p, injection, mix = given.fields()
    ins = (field(g, "ncyx", dtype), mix, _winners(kept), x, p, injection)
    again = plan.mode != SINGLE and kept.scans is None
    flags = (given.p.shape[3] == 3, given.injection is not None, plan.limit, plan.mode, again)
    makes = tuple(grad is not None for grad in grads)
    counter, table, shared = np.zeros(1, np.int64), plan.table(), given.shared()
    out = field(kept.out, "ncyx", dtype)

    def job() -> None:
        scans = (out, out) if plan.mode == SINGLE else _scans(given, kept, 1)
        works = given.scratch(BACKWARD_BLOCKS, _NUMPY[dtype]), given.scratch(1, np.uint8)
        frame, all_ins = (H, W), (*ins, scans)
        backward(counter, tasks, table, frame, all_ins, outs, shared, flags, makes, works)

    on_threads(min(thread_count(), len(tasks)), job)
    return [
        None if grad is None or t is None else _summed(grad, t)
        for grad, t in zip(grads, given.all(), strict=True)
    ]


def field(tensor: Tensor | None, dims: str, dtype: torch.dtype) -> Field:
    """The tensor's memory and strides; nothing is copied."""
    if tensor is None:
        return Field(np.empty(1, _NUMPY[dtype]), 0, 0, 0, 0, 0, 0)
    pairs = list(zip(dims, tensor.shape, tensor.stride(), strict=True))
    extent = 1 + sum((size - 1) * stride for _, size, stride in pairs)
    data = tensor.detach().as_strided((extent,), (1,)).numpy()
    steps = {name: stride for name, size, stride in pairs if size > 1 or name in "yx"}
    return Field(data, *(steps.get(name, 0) for name in "ndckyx"))


def _aligned(count: int, dtype: Any) -> Any:
    """New memory at a multiple of 64 bytes, 64 bytes away from what is not ours.

    NumPy asks for huge pages; without them most of backward is spent on page faults.
    """
    size = count * np.dtype(dtype).itemsize
    raw = np.empty(size + 3 * _LINE, np.uint8)
    first = _LINE + -raw.ctypes.data % _LINE
    return raw[first : first + size].view(dtype)


def _empty(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    return torch.from_numpy(_aligned(math.prod(shape), _NUMPY[dtype])).view(*shape)


def _room(tensor: Tensor, parts: int) -> Tensor:
    return _empty((parts * tensor.shape[0], *tensor.shape[1:]), tensor.dtype)


def _summed(grad: Tensor, tensor: Tensor) -> Tensor:
    return grad if grad.shape == tensor.shape else grad.view(-1, *tensor.shape).sum(0)


def _winners(kept: Kept) -> Field:
    return field(kept.winner, "ncyx", torch.uint8)


def _scans(given: Inputs, kept: Kept, count: int) -> tuple[Field, Field]:
    """Scans along rows and along columns, in the same memory: kept, or this thread's own."""
    size = _scan_values(given.x)
    if kept.scans is not None:
        data = kept.scans.view(-1).numpy()
        n, d = kept.scans.stride()[:2]
    else:
        data = _aligned(count * given.at_once * size, _NUMPY[given.x.dtype])
        n, d = 0, given.at_once * size if count > 1 else 0
    tall, wide = map(line_pitch, given.x.shape[2:])
    return Field(data, n, d, size, 0, 1, tall), Field(data, n, d, size, 0, wide, 1)


def _scan_values(x: Tensor) -> int:
    """Room for the scan of a plane, along rows or along columns."""
    H, W = x.shape[2:]
    return max(H * line_pitch(W), W * line_pitch(H))


def _forward_tasks(given: Inputs, whole: bool) -> Any:
    N, C = given.x.shape[:2]
    width = given.at_once
    starts = range(0, C, width)
    rows = [(n, c, min(C, c + width), 0 if whole else c) for n in range(N) for c in starts]
    return np.array(rows, np.int64)


def _copies(given: Inputs) -> int:
    """Into how many parts the channels are split: every one, where they share no gradient."""
    N, C = given.x.shape[:2]
    shared_p, shared_l, _ = given.shared()
    if not (shared_p or shared_l or given.mix is not None):
        return C
    return min(-(-C // given.at_once), max(1, -(-thread_count() // N)))


def _backward_tasks(given: Inputs, copies: int) -> Any:
    N, C = given.x.shape[:2]
    width = -(-C // copies)
    rows = [
        (n, c, min(C, c + width), i * N + n, given.at_once)
        for n in range(N)
        for i, c in enumerate(range(0, C, width))
    ]
    return np.array(rows, np.int64)
