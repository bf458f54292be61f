"""Which planes a thread takes next, and what it does to them: compiled, without the GIL."""

import hashlib
import inspect
import sys
from collections.abc import Callable
from typing import Any

from numba import njit

from ._merge import LARGEST, WEIGHTED, merge
from ._tiles import OPTIONS, take
from ._walk import walk_forward
from ._walk_back import walk_backward


def _digest() -> str:
    """Of all that is compiled into this file's functions."""
    names = ("_adjoint", "_affinities", "_fields", "_merge", "_tiles", "_walk", "_walk_back")
    texts = [inspect.getsource(sys.modules[f"{__package__}.{name}"]) for name in names]
    return hashlib.sha256("".join(texts).encode()).hexdigest()[:16]


def _kept(function: Callable[..., None]) -> Any:
    """Compiled when called, and kept on disk.

    Numba looks for changes in this file alone, so the others' digest is in the name.
    """
    function.__qualname__ += f"_{_digest()}"
    try:
        return njit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # no folder can be written to
        return njit(**OPTIONS)(function)


def kept_in() -> str | None:
    """The folder of the compiled code; None if every process compiles anew."""
    path = forward.stats.cache_path
    return None if path is None else str(path)


@_kept
def forward(
    counter: Any, tasks: Any, ways: Any, frame: Any, ins: Any, outs: Any, flags: Any, work: Any
) -> None:
    """Scan and integrate, task by task, until none is left.

    Args:
        counter: the next task, shared by the threads.
        tasks: rows of n, c0, c1 and the channel from which `hs` counts.
        ways: a row of vertical, reverse for each direction.
        frame: height, width.
        ins: x, p, injection, weight.
        outs: the scans along rows, and those along columns; out; winner.
        flags: three-way, injection given, limit; how to integrate; whether to name winners.
        work: scratch.
    """
    x, p, lam, weight = ins
    hs, out, winner = outs
    height, width = frame
    three, given, limit, mode, names = flags
    while True:
        i = take(counter)
        if i >= len(tasks):
            return
        n, c0, c1, h_from = tasks[i]
        for d in range(len(ways)):
            way = (ways[d, 0] == 1, ways[d, 1] == 1)
            h = hs[1] if way[0] else hs[0]
            lanes_steps = (width, height) if way[0] else (height, width)
            place = (n, d, c0, c1, h_from)
            walk_forward(x, p, lam, h, place, way, lanes_steps, (three, given, limit), work)
        how = (mode, names, ways[0, 0] == 1)
        for c in range(c0, c1):
            merge(hs, weight, out, winner, (n, c, c - h_from), frame, how, work)


@_kept
def backward(
    counter: Any,
    tasks: Any,
    ways: Any,
    frame: Any,
    ins: Any,
    outs: Any,
    shared: Any,
    flags: Any,
    makes: Any,
    works: Any,
) -> None:
    """The gradients of `forward`, task by task, until none is left.

    Args:
        tasks: rows of n, c0, c1, which n of the gradients that are sums over channels is
            this task's own, and how many planes are walked at once.
        ins: g, weight, winner, x, p, injection, and the scans as in `forward`.
        outs: dx, dp, dinjection, dweight.
        shared: whether the channels share p; whether they share l; whether directions do.
        flags: three-way, injection given, limit; how to integrate; whether to scan again.
        makes: which of `outs` are wanted.
    """
    g, weight, winner, x, p, lam, hs = ins
    height, width = frame
    three, given, limit, mode, again = flags
    shared_p, shared_l, shared_ways = shared
    while True:
        i = take(counter)
        if i >= len(tasks):
            return
        n, begin, end, own, at_once = tasks[i]
        sums = (own if shared_p else n, own if shared_l else n, own)
        for c0 in range(begin, end, at_once):
            c1 = min(end, c0 + at_once)
            later = c0 > begin
            h_from = c0 if again else 0
            for d in range(len(ways)):
                way = (ways[d, 0] == 1, ways[d, 1] == 1)
                h = hs[1] if way[0] else hs[0]
                lanes_steps = (width, height) if way[0] else (height, width)
                if again:
                    place = (n, d, c0, c1, h_from)
                    here = (three, given, limit)
                    walk_forward(x, p, lam, h, place, way, lanes_steps, here, works[0])
                adds = (
                    d > 0,
                    shared_p and later,
                    (shared_l and later) or (shared_ways and d > 0),
                    later,
                )
                walk_backward(
                    (g, weight, winner, x, p, lam, h),
                    outs,
                    adds,
                    (n, d, c0, c1, h_from, sums),
                    way,
                    lanes_steps,
                    (three, given, limit, mode == WEIGHTED, mode == LARGEST),
                    makes,
                    works,
                )
