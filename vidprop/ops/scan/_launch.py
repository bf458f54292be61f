"""From tensors to the compiled code's arguments, scratch and threads."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._fields import Field, block_values
from ._lay import lay
from ._memory import aligned, empty
from ._merge import SINGLE, To
from ._pool import on_threads, thread_count
from ._problem import DIMS, Inputs, Kept, Pair, Plan, both_ways, field, scan_values
from ._walk import FORWARD_BLOCKS
from ._walk_back import BACKWARD_BLOCKS
from ._work import backward, forward

# Backward walks planes that share affinities this many at a time: their gradients are then added
# up in cache, where what is turned of the planes has to stay too. At most 18, the lines in the
# smallest block of scratch.
_AT_ONCE = 4
# Results past this size would only push out of the caches what is still needed.
_CACHE = 2**23


def run_forward(given: Inputs, plan: Plan, kept: Kept) -> None:
    """Fill what `kept` has room for."""
    H, W = given.x.shape[2:]
    threads = thread_count()
    tasks = _forward_tasks(given)
    table, counter = plan.table(), np.zeros(1, np.int64)
    laid = lay(given, plan, threads, True)
    dtype = given.x.dtype
    x = field(given.x, "ncyx", dtype)
    out, winner = field(kept.out, "ncyx", dtype), _winners(kept)
    scans = None if kept.scans is None else both_ways(kept.scans, given.x)

    def job() -> None:
        spare = _spare(given.x, plan, 1, dtype)
        pairs = _pairs(given, plan, spare)
        named = both_ways(_plane_room(given, plan, torch.uint8), given.x)[0]
        given_out = (out, laid.mix, winner, named, plan.mode)
        names = kept.winner is not None
        streams = kept.bytes > _CACHE
        to = To(scans or pairs, pairs, *given_out, scans is not None, names, streams)
        works = _works(given, FORWARD_BLOCKS)
        ins = x, laid.p, laid.injection
        forward(counter, tasks, table, (H, W), ins, to, laid.forms, spare, works)

    on_threads(min(threads, len(tasks)), job)


def run_backward(
    g: Tensor, given: Inputs, plan: Plan, kept: Kept, wants: Sequence[bool]
) -> list[Tensor | None]:
    """The gradients of the inputs that are wanted."""
    H, W = given.x.shape[2:]
    threads = thread_count()
    at_once = _at_once(given, threads)
    copies = _copies(given, at_once, threads)
    tasks = _backward_tasks(given, copies, at_once)
    shared_p, shared_l, _ = given.shared()
    parts = (1, copies if shared_p else 1, copies if shared_l else 1, copies)
    grads = [
        _room(t, n) if want and t is not None else None
        for t, n, want in zip(given.all(), parts, wants, strict=True)
    ]
    dtype = given.x.dtype
    outs = tuple(field(grad, dims, dtype) for grad, dims in zip(grads, DIMS, strict=True))
    laid, x = lay(given, plan, threads, False), given.fields()[0]
    ins = (field(g, "ncyx", dtype), laid.mix, _winners(kept), x, laid.p, laid.injection)
    streams = not shared_p and given.p.nbytes > _CACHE
    again = plan.mode != SINGLE and kept.scans is None
    flags = (laid.forms, plan.mode, again, streams)
    makes = tuple(grad is not None for grad in grads)
    counter, table, shared = np.zeros(1, np.int64), plan.table(), given.shared()
    out = field(kept.out, "ncyx", dtype)

    def job() -> None:
        scans = (out, out) if plan.mode == SINGLE else _scans(given, kept, at_once)
        works = _works(given, max(FORWARD_BLOCKS, BACKWARD_BLOCKS))
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
    return both_ways(empty((at_once, scan_values(x)), x.dtype) if scans is None else scans, x)


def _spare(
    tensor: Tensor | None, plan: Plan, at_once: int, dtype: torch.dtype
) -> tuple[Field, Field]:
    """Room for planes with their lanes side by side, either way, if the tensor's do not lie so."""
    if tensor is None or all(tensor.stride(3 if way.vertical else 2) == 1 for way in plan.ways):
        nothing = field(None, "", dtype)
        return nothing, nothing
    return both_ways(empty((at_once, scan_values(tensor)), dtype), tensor)


def _pairs(given: Inputs, plan: Plan, spare: Pair) -> Pair:
    """Room for what pairs of directions are integrated to.

    Of those along columns it is that of x turned, which the first pair was the last to read.
    """
    x = given.x
    rows = both_ways(_plane_room(given, plan, x.dtype), x)[0]
    if plan.mode == SINGLE or (x.stride(3) == 1 and spare[1].c):
        return rows, spare[1]
    return rows, both_ways(_plane_room(given, plan, x.dtype), x)[1]


def _plane_room(given: Inputs, plan: Plan, dtype: torch.dtype) -> Tensor:
    return empty((1, 1 if plan.mode == SINGLE else scan_values(given.x)), dtype)


def _works(given: Inputs, blocks: int) -> tuple[Any, Any]:
    """Scratch: blocks of values, and one of bytes."""
    size = max(map(block_values, given.x.shape[2:]))
    return aligned(blocks * size, given.x.dtype), aligned(size, torch.uint8)


def _at_once(given: Inputs, threads: int) -> int:
    """Planes that are walked at once, no more than leave every thread some."""
    N, C = given.x.shape[:2]
    return min(_AT_ONCE, C, -(-N * C // threads)) if given.p.shape[2] == 1 else 1


def _forward_tasks(given: Inputs) -> Any:
    N, C = given.x.shape[:2]
    return np.array([(n, c, c + 1) for n in range(N) for c in range(C)], np.int64)


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
