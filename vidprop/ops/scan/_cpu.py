"""The scan on the CPU: autograd around compiled code, for float32 and float64."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ._affinities import ROWS
from ._direction import Direction
from ._pool import on_threads, thread_count
from ._tiles import Field
from ._walk import FORWARD_BLOCKS
from ._walk_back import BACKWARD_BLOCKS
from ._work import LARGEST, SINGLE, WEIGHTED, backward, forward

# Planes that share affinities are walked this many at a time.
_AT_ONCE = 4


def scan_cpu(
    x: Tensor, affinity: Tensor, direction: Direction, injection: Tensor | None, limit: bool
) -> Tensor:
    """`vidprop.ops.scan.scan` for float32 and float64."""
    share = None if injection is None else injection.unsqueeze(1)
    plan = _Plan((direction,), SINGLE, limit, False, _keeps(x, affinity, injection))
    return _Scans.apply(x, affinity.unsqueeze(1), share, None, plan)  # type: ignore[no-untyped-call]


def propagate_cpu(
    x: Tensor,
    affinities: Tensor,
    injection: Tensor | None,
    mix: Tensor | None,
    limit: bool,
    recompute: bool,
) -> Tensor:
    """`vidprop.ops.scan.propagate` for float32 and float64."""
    mode = LARGEST if mix is None else WEIGHTED
    keeps = _keeps(x, affinities, injection, mix)
    plan = _Plan(tuple(Direction), mode, limit, recompute, keeps)
    return _Scans.apply(x, affinities, injection, mix, plan)  # type: ignore[no-untyped-call]


def _keeps(*tensors: Tensor | None) -> bool:
    """Whether there will be a backward pass to keep anything for."""
    return torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)


@dataclass(frozen=True)
class _Plan:
    ways: tuple[Direction, ...]
    mode: int
    limit: bool
    recompute: bool
    keeps: bool

    def table(self) -> Any:
        return np.array([(way.vertical, way.reverse) for way in self.ways], np.int64)


@dataclass(frozen=True)
class _Kept:
    """What forward makes: the result; the scans [N, D, C, H, W] and whose each pixel is, or None."""

    out: Tensor
    h: Tensor | None
    winner: Tensor | None

    @classmethod
    def room(cls, x: Tensor, plan: _Plan) -> "_Kept":
        out = torch.empty(x.shape, dtype=x.dtype)
        if plan.mode == SINGLE:
            return cls(out, out.unsqueeze(1), None)
        h = winner = None
        if plan.keeps and not plan.recompute:
            h = torch.empty(x.shape[0], len(plan.ways), *x.shape[1:], dtype=x.dtype)
        if plan.keeps and plan.mode == LARGEST:
            winner = torch.empty(x.shape, dtype=torch.uint8)
        return cls(out, h, winner)


@dataclass(frozen=True)
class _Sizes:
    """What the tensors' shapes say."""

    N: int
    C: int
    H: int
    W: int
    D: int
    three: bool
    share_p: bool
    share_l: bool
    share_ways: bool

    @classmethod
    def of(cls, x: Tensor, p: Tensor, lam: Tensor | None) -> "_Sizes":
        D, G, K = p.shape[1:4]
        N, C, H, W = x.shape
        ways = lam is not None and lam.shape[1] == 1 < D
        share_l = lam is not None and lam.shape[2] == 1 < C
        return cls(N, C, H, W, D, K == 3, G == 1 < C, share_l, ways)

    @property
    def at_once(self) -> int:
        return min(_AT_ONCE, self.C) if self.share_p else 1

    def scratch(self, blocks: int) -> int:
        pitch = max(self.H, self.W) + 2
        return (blocks * (ROWS + 2) + self.at_once) * pitch


def _field(tensor: Tensor | None, dims: str, like: Tensor) -> Field:
    """The tensor's memory and strides; nothing is copied."""
    if tensor is None:
        return Field(np.empty(1, _numpy(like)), 0, 0, 0, 0, 0, 0)
    pairs = list(zip(dims, tensor.shape, tensor.stride(), strict=True))
    extent = 1 + sum((size - 1) * stride for _, size, stride in pairs)
    data = tensor.detach().as_strided((extent,), (1,)).numpy()
    steps = {name: stride for name, size, stride in pairs if size > 1 or name in "yx"}
    return Field(data, *(steps.get(name, 0) for name in "ndckyx"))


def _numpy(tensor: Tensor) -> Any:
    return np.float64 if tensor.dtype == torch.float64 else np.float32


def _scratch_planes(s: _Sizes, count: int, like: Tensor) -> Field:
    """Planes of one thread for the scans that nobody keeps."""
    plane = s.H * s.W
    data = np.empty(count * s.at_once * plane, _numpy(like))
    return Field(data, 0, s.at_once * plane if count > 1 else 0, plane, 0, s.W, 1)


def _run_forward(
    x: Tensor, p: Tensor, lam: Tensor | None, mix: Tensor | None, plan: _Plan, kept: "_Kept"
) -> None:
    s = _Sizes.of(x, p, lam)
    tasks = np.array(
        [
            (n, c, min(s.C, c + s.at_once), 0 if kept.h is not None else c)
            for n in range(s.N)
            for c in range(0, s.C, s.at_once)
        ],
        np.int64,
    )
    ins = (
        _field(x, "ncyx", x),
        _field(p, "ndckyx", x),
        _field(lam, "ndcyx", x),
        _field(mix, "ndyx", x),
    )
    out, winner = _field(kept.out, "ncyx", x), _winners(kept.winner)
    names = kept.winner is not None
    flags = (s.three, lam is not None, plan.limit, plan.mode, names)
    counter, table = np.zeros(1, np.int64), plan.table()

    def job() -> None:
        h = _scratch_planes(s, s.D, x) if kept.h is None else _field(kept.h, "ndcyx", x)
        work = np.empty(s.scratch(FORWARD_BLOCKS), _numpy(x))
        forward(counter, tasks, table, (s.H, s.W), ins, (h, out, winner), flags, work)

    on_threads(min(thread_count(), len(tasks)), job)


def _winners(winner: Tensor | None) -> Field:
    if winner is None:
        return Field(np.empty(1, np.uint8), 0, 0, 0, 0, 0, 0)
    return _field(winner, "ncyx", winner)


def _run_backward(
    g: Tensor,
    x: Tensor,
    p: Tensor,
    lam: Tensor | None,
    mix: Tensor | None,
    plan: _Plan,
    kept: "_Kept",
    wants: tuple[bool, ...],
) -> tuple[Tensor | None, ...]:
    s = _Sizes.of(x, p, lam)
    copies = _copies(s, mix is not None)
    grads = [
        _gradient(tensor, wanted, count)
        for tensor, wanted, count in zip(
            (x, p, lam, mix),
            wants,
            (1, copies if s.share_p else 1, copies if s.share_l else 1, copies),
            strict=True,
        )
    ]
    outs = tuple(
        _field(grad, dims, x)
        for grad, dims in zip(grads, ("ncyx", "ndckyx", "ndcyx", "ndyx"), strict=True)
    )
    ins = (
        _field(g, "ncyx", x),
        _field(mix, "ndyx", x),
        _winners(kept.winner),
        _field(x, "ncyx", x),
        _field(p, "ndckyx", x),
        _field(lam, "ndcyx", x),
    )
    again = kept.h is None
    flags = (s.three, lam is not None, plan.limit, plan.mode, again)
    makes = tuple(grad is not None for grad in grads)
    tasks = _backward_tasks(s, copies)
    counter, table = np.zeros(1, np.int64), plan.table()
    shared = (s.share_p, s.share_l, s.share_ways)

    def job() -> None:
        h = _scratch_planes(s, 1, x) if kept.h is None else _field(kept.h, "ndcyx", x)
        work = np.empty(s.scratch(max(FORWARD_BLOCKS, BACKWARD_BLOCKS)), _numpy(x))
        frame = (s.H, s.W)
        backward(counter, tasks, table, frame, (*ins, h), outs, shared, flags, makes, work)

    on_threads(min(thread_count(), len(tasks)), job)
    return tuple(
        None if grad is None or tensor is None else _summed(grad, tensor)
        for grad, tensor in zip(grads, (x, p, lam, mix), strict=True)
    )


def _copies(s: _Sizes, mixed: bool) -> int:
    """Into how many parts the channels are split: as many as they can be where nothing is shared."""
    if not (s.share_p or s.share_l or mixed):
        return s.C
    return min(-(-s.C // s.at_once), max(1, -(-thread_count() // s.N)))


def _backward_tasks(s: _Sizes, copies: int) -> Any:
    width = -(-s.C // copies)
    return np.array(
        [
            (n, c, min(s.C, c + width), i * s.N + n, s.at_once)
            for n in range(s.N)
            for i, c in enumerate(range(0, s.C, width))
        ],
        np.int64,
    )


def _gradient(tensor: Tensor | None, wanted: bool, copies: int) -> Tensor | None:
    if tensor is None or not wanted:
        return None
    return torch.empty(copies * tensor.shape[0], *tensor.shape[1:], dtype=tensor.dtype)


def _summed(grad: Tensor, tensor: Tensor) -> Tensor:
    if grad.shape == tensor.shape:
        return grad
    return grad.view(-1, *tensor.shape).sum(0)


class _Scans(torch.autograd.Function):
    """x [N, C, H, W], affinities [N, D, G, K, H, W], injection, mix -> [N, C, H, W]."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, p: Tensor, lam: Tensor | None, mix: Tensor | None, plan: _Plan
    ) -> Tensor:
        kept = _Kept.room(x, plan)
        if x.numel():
            _run_forward(x, p, lam, mix, plan, kept)
        ctx.plan = plan
        ctx.save_for_backward(x, p, lam, mix, kept.out, kept.h, kept.winner)
        return kept.out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, p, lam, mix, out, h, winner = ctx.saved_tensors
        wants = ctx.needs_input_grad[:4]
        if not x.numel():
            return *(_zeros(t, w) for t, w in zip((x, p, lam, mix), wants, strict=True)), None
        kept = _Kept(out, out.unsqueeze(1) if ctx.plan.mode == SINGLE else h, winner)
        return *_run_backward(g, x, p, lam, mix, ctx.plan, kept, wants), None


def _zeros(tensor: Tensor | None, wanted: bool) -> Tensor | None:
    return torch.zeros_like(tensor) if wanted and tensor is not None else None
