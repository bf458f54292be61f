"""From tensors to the compiled code's arguments, scratch and threads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._direction import Direction
from ._fields import Field, block_values, line_pitch
from ._memory import NUMPY, aligned, empty
from ._merge import SINGLE, To
from ._pool import on_threads, thread_count
from ._walk import FORWARD_BLOCKS
from ._walk_back import BACKWARD_BLOCKS
from ._work import backward, forward

# Planes that share affinities are walked this many at a time: what is turned of them, and what
# waits for the other directions of a pixel, has to stay in cache. At most 18, the lines in the
# smallest block of scratch.
_AT_ONCE = 2
# Results past this size would only push out of the caches what is still needed.
_CACHE = 2**23
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

    def at_once(self, threads: int) -> int:
        """Planes that are walked at once, no more than leave every thread some."""
        N, C = self.x.shape[:2]
        return min(_AT_ONCE, C, -(-N * C // threads)) if self.p.shape[2] == 1 else 1

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

    def scratch(self, blocks: int, dtype: torch.dtype) -> Any:
        return aligned(blocks * max(map(block_values, self.x.shape[2:])), dtype)


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
                scans = empty((N, len(plan.ways), C, _scan_values(x)), x.dtype)
        return cls(out, scans, winner)


def run_forward(given: Inputs, plan: Plan, kept: Kept) -> None:
    """Fill what `kept` has room for."""
    H, W = given.x.shape[2:]
    threads = thread_count()
    at_once = given.at_once(threads)
    tasks = _forward_tasks(given, at_once)
    flags = (given.p.shape[3] == 3, given.injection is not None, plan.limit)
    (*ins, mix), table, counter = given.fields(), plan.table(), np.zeros(1, np.int64)
    dtype = given.x.dtype
    out, winner = field(kept.out, "ncyx", dtype), _winners(kept)
    scans = None if kept.scans is None else _both_ways(kept.scans, given.x)

    def job() -> None:
        pairs = _pairs(given, plan, at_once, dtype)
        named = _pairs(given, plan, at_once, torch.uint8)[0]
        given_out = (out, mix, winner, named, plan.mode)
        names = kept.winner is not None
        streams = kept.bytes > _CACHE
        to = To(scans or pairs, pairs, *given_out, scans is not None, names, streams)
        works = given.scratch(FORWARD_BLOCKS, dtype), given.scratch(1, torch.uint8)
        spare = _spare(given.x, plan, at_once, dtype)
        forward(counter, tasks, table, (H, W), tuple(ins), to, flags, spare, works)

    on_threads(min(threads, len(tasks)), job)


def run_backward(
    g: Tensor, given: Inputs, plan: Plan, kept: Kept, wants: Sequence[bool]
) -> list[Tensor | None]:
    """The gradients of the inputs that are wanted."""
    H, W = given.x.shape[2:]
    threads = thread_count()
    at_once = given.at_once(threads)
    copies = _copies(given, at_once, threads)
    tasks = _backward_tasks(given, copies, at_once)
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
    streams = not shared_p and given.p.nbytes > _CACHE
    again = plan.mode != SINGLE and kept.scans is None
    forms = given.p.shape[3] == 3, given.injection is not None, plan.limit
    flags = (*forms, plan.mode, again, streams)
    makes = tuple(grad is not None for grad in grads)
    counter, table, shared = np.zeros(1, np.int64), plan.table(), given.shared()
    out = field(kept.out, "ncyx", dtype)

    def job() -> None:
        scans = (out, out) if plan.mode == SINGLE else _scans(given, kept, at_once)
        works = given.scratch(BACKWARD_BLOCKS, dtype), given.scratch(1, torch.uint8)
        turned = (g, given.x, kept.out if plan.mode == SINGLE else None, grads[0])
        of_winner = _spare(kept.winner, plan, at_once, torch.uint8)
        spares = (*(_spare(tensor, plan, at_once, dtype) for tensor in turned), of_winner)
        frame, all_ins = (H, W), (*ins, scans)
        backward(counter, tasks, table, frame, all_ins, outs, shared, flags, makes, spares, works)

    on_threads(min(threads, len(tasks)), job)
    return [
        None if grad is None or t is None else _summed(grad, t, threads)
        for grad, t in zip(grads, given.all(), strict=True)
    ]


def field(tensor: Tensor | None, dims: str, dtype: torch.dtype) -> Field:
    """The tensor's memory and strides; nothing is copied."""
    if tensor is None:
        return Field(np.empty(1, NUMPY[dtype]), 0, 0, 0, 0, 0, 0, 0)
    pairs = list(zip(dims, tensor.shape, tensor.stride(), strict=True))
    extent = 1 + sum((size - 1) * stride for _, size, stride in pairs)
    data = tensor.detach().as_strided((extent,), (1,)).numpy()
    steps = {name: stride for name, size, stride in pairs if size > 1 or name in "yx"}
    return Field(data, 0, *(steps.get(name, 0) for name in "ndckyx"))


def _room(tensor: Tensor, parts: int) -> Tensor:
    return empty((parts * tensor.shape[0], *tensor.shape[1:]), tensor.dtype)


def _summed(grad: Tensor, tensor: Tensor, threads: int) -> Tensor:
    """The sum of the parts of `grad`.

    PyTorch's own sum would leave threads behind that wait busily where ours have to work.
    """
    if grad.shape == tensor.shape:
        return grad
    total = empty(tensor.shape, tensor.dtype)
    parts = grad.view(-1, tensor.numel()).numpy()
    sums = np.array_split(total.view(-1).numpy(), threads)
    pieces = list(zip(np.array_split(parts, threads, axis=1), sums, strict=True))

    def job() -> None:
        addends, to = pieces.pop()
        np.add.reduce(addends, axis=0, out=to)

    on_threads(threads, job)
    return total


def _winners(kept: Kept) -> Field:
    return field(kept.winner, "ncyx", torch.uint8)


def _scans(given: Inputs, kept: Kept, at_once: int) -> tuple[Field, Field]:
    """Scans along rows and along columns: kept, or room for those of this thread's task."""
    scans, x = kept.scans, given.x
    return _both_ways(empty((at_once, _scan_values(x)), x.dtype) if scans is None else scans, x)


def _spare(
    tensor: Tensor | None, plan: Plan, at_once: int, dtype: torch.dtype
) -> tuple[Field, Field]:
    """Room for planes with their lanes side by side, either way, if the tensor's do not lie so."""
    if tensor is None or all(tensor.stride(3 if way.vertical else 2) == 1 for way in plan.ways):
        nothing = field(None, "", dtype)
        return nothing, nothing
    return _both_ways(empty((at_once, _scan_values(tensor)), dtype), tensor)


def _pairs(given: Inputs, plan: Plan, at_once: int, dtype: torch.dtype) -> tuple[Field, Field]:
    """Room for what pairs of directions are integrated to."""
    size = 1 if plan.mode == SINGLE else _scan_values(given.x)
    return _both_ways(empty((2, at_once, size), dtype), given.x)


def _both_ways(scans: Tensor, x: Tensor) -> tuple[Field, Field]:
    """The same memory, [n, d, c, values] or its last dimensions, for either kind of scan."""
    tall, wide = map(line_pitch, x.shape[2:])
    data = scans.view(-1).numpy()
    n, d, c = (0, 0, *scans.stride()[:-1])[-3:]
    return Field(data, 0, n, d, c, 0, 1, tall), Field(data, 0, n, d, c, 0, wide, 1)


def _scan_values(x: Tensor) -> int:
    """Room for the scan of a plane, along rows or along columns."""
    H, W = x.shape[2:]
    return max(H * line_pitch(W), W * line_pitch(H))


def _forward_tasks(given: Inputs, at_once: int) -> Any:
    N, C = given.x.shape[:2]
    rows = [(n, c, min(C, c + at_once)) for n in range(N) for c in range(0, C, at_once)]
    return np.array(rows, np.int64)


def _copies(given: Inputs, at_once: int, threads: int) -> int:
    """Into how many parts the channels are split: every one, where they share no gradient."""
    N, C = given.x.shape[:2]
    shared_p, shared_l, _ = given.shared()
    if not (shared_p or shared_l or given.mix is not None):
        return C
    return min(-(-C // at_once), max(1, -(-threads // N)))


def _backward_tasks(given: Inputs, copies: int, at_once: int) -> Any:
    N, C = given.x.shape[:2]
    width = -(-C // copies)
    rows = [
        (n, c, min(C, c + width), i * N + n, at_once)
        for n in range(N)
        for i, c in enumerate(range(0, C, width))
    ]
    return np.array(rows, np.int64)
