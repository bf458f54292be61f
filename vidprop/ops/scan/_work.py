"""Which planes a thread takes next, and what it does to them: compiled, without the GIL."""

import hashlib
import inspect
import sys
from collections.abc import Callable
from typing import Any

from numba import njit

from ._fields import bare
from ._merge import LARGEST, NOWHERE, WEIGHTED, To, bare_to
from ._tiles import OPTIONS, pointer, take
from ._walk import walk_forward
from ._walk_back import walk_backward


def _digest() -> str:
    """Of all that is compiled into this file's functions."""
    names = [
        "_adjoint",
        "_affinities",
        "_fields",
        "_loops",
        "_merge",
        "_tiles",
        "_walk",
        "_walk_back",
    ]
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
    counter: Any, tasks: Any, ways: Any, frame: Any, ins: Any, to: Any, flags: Any, works: Any
) -> None:
    """Scan and integrate, task by task, until none is left.

    Args:
        counter: the next task, shared by the threads.
        tasks: rows of n, c0, c1.
        ways: a row of vertical, reverse for each direction.
        frame: height, width.
        ins: x, p, injection.
        to: a `_merge.To`.
        flags: three-way, injection given, limit.
        works: scratch, of floats and of bytes.
    """
    x, p, lam = bare(ins[0]), bare(ins[1]), bare(ins[2])
    target, scratch = bare_to(to), (pointer(works[0]), pointer(works[1]))
    height, width = frame
    while True:
        i = take(counter)
        if i >= len(tasks):
            return
        n, c0, c1 = tasks[i]
        for d in range(len(ways)):
            way = (ways[d, 0] == 1, ways[d, 1] == 1)
            lanes_steps = (width, height) if way[0] else (height, width)
            walk_forward(x, p, lam, target, (n, d, c0, c1), way, lanes_steps, flags, scratch)


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
        flags: three-way, injection given, limit; how to integrate; whether to scan again;
            whether dp, which nothing adds to, goes past the cache.
        makes: which of `outs` are wanted.
    """
    g, weight, winner = bare(ins[0]), bare(ins[1]), bare(ins[2])
    x, p, lam = bare(ins[3]), bare(ins[4]), bare(ins[5])
    hs = bare(ins[6][0]), bare(ins[6][1])
    grads = bare(outs[0]), bare(outs[1]), bare(outs[2]), bare(outs[3])
    scratch = pointer(works[0]), pointer(works[1])
    height, width = frame
    three, given, limit, mode, again, streams = flags
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
                    to = To(
                        hs, hs, grads[0], weight, winner, winner, c0, NOWHERE, True, False, False
                    )
                    place, here = (n, d, c0, c1), (three, given, limit)
                    walk_forward(x, p, lam, to, place, way, lanes_steps, here, scratch)
                adds = (
                    d > 0,
                    shared_p and later,
                    (shared_l and later) or (shared_ways and d > 0),
                    later,
                )
                walk_backward(
                    (g, weight, winner, x, p, lam, h),
                    grads,
                    adds,
                    (n, d, c0, c1, h_from, sums),
                    way,
                    lanes_steps,
                    (three, given, limit, mode == WEIGHTED, mode == LARGEST, streams),
                    makes,
                    scratch,
                )
