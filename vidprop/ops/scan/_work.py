"""Which planes a thread takes next, and what it does to them: compiled, without the GIL."""

import hashlib
import inspect
import sys
from collections.abc import Callable
from typing import Any

from numba import njit

from ._fields import Field, bare, direct, face, from_channel, plane, save
from ._merge import LARGEST, NOWHERE, SINGLE, WEIGHTED, To, bare_to
from ._tiles import OPTIONS, inner, pointer, take
from ._turn import turn_lines
from ._walk import walk_forward
from ._walk_back import walk_backward


def _digest() -> str:
    """Of all that is compiled into this file's functions."""
    names = [
        "_affinities",
        "_fields",
        "_loops",
        "_merge",
        "_steps",
        "_sums",
        "_tiles",
        "_turn",
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
    counter: Any,
    tasks: Any,
    ways: Any,
    frame: Any,
    ins: Any,
    to: Any,
    flags: Any,
    spare: Any,
    works: Any,
) -> None:
    """Scan and integrate, task by task, until none is left.

    Args:
        counter: the next task, shared by the threads.
        tasks: rows of n, c0, c1.
        ways: a row of vertical, reverse for each direction.
        frame: height, width.
        ins: x; p and injection, for directions along rows and for the others.
        to: a `_merge.To`.
        flags: for either kind of direction: three-way, injection given, limit.
        spare: room for planes of x whose lanes do not lie side by side, either way.
        works: scratch, of floats and of bytes.
    """
    x, ps, lams = bare(ins[0]), _both(ins[1]), _both(ins[2])
    target, scratch = bare_to(to), (pointer(works[0]), pointer(works[1]))
    spares = bare(spare[0]), bare(spare[1])
    while True:
        i = take(counter)
        if i >= len(tasks):
            return
        n, c0, c1 = tasks[i]
        xs = x
        for d in range(len(ways)):
            way = (ways[d, 0] == 1, ways[d, 1] == 1)
            lanes_steps = _lanes_steps(frame, way[0])
            if _turns(ways, d):
                xs = face(x, spares[1] if way[0] else spares[0], (n, c0, c1), way[0], lanes_steps)
            p, lam = (ps[1], lams[1]) if way[0] else (ps[0], lams[0])
            forms = flags[1] if way[0] else flags[0]
            walk_forward(xs, p, lam, target, (n, d, c0, c1), way, lanes_steps, forms, scratch)


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
    spares: Any,
    works: Any,
) -> None:
    """The gradients of `forward`, task by task, until none is left.

    Args:
        tasks: rows of n, c0, c1, which n of the gradients that are sums over channels is
            this task's own, and how many planes are walked at once.
        ins: g, weight, winner, x, p, injection and the scans; weight, p, injection and scans for
            directions along rows and for the others.
        outs: dx, dp, dinjection, dweight.
        shared: whether the channels share p; whether they share l; whether directions do.
        flags: forms as in `forward`; how to integrate; whether to scan again; whether dp, which
            nothing adds to, goes past the cache.
        makes: which of `outs` are wanted.
        spares: room for planes of g, x, h, dx and winner as in `forward`.
    """
    g, weights, winner = bare(ins[0]), _both(ins[1]), bare(ins[2])
    x, ps, lams = bare(ins[3]), _both(ins[4]), _both(ins[5])
    hs = bare(ins[6][0]), bare(ins[6][1])
    dx, sums = bare(outs[0]), (bare(outs[1]), bare(outs[2]), bare(outs[3]))
    scratch = pointer(works[0]), pointer(works[1])
    all_forms, mode, again, streams = flags
    shared_p, shared_l, shared_ways = shared
    while True:
        i = take(counter)
        if i >= len(tasks):
            return
        n, begin, end, own, at_once = tasks[i]
        own_n = (own if shared_p else n, own if shared_l else n, own)
        for c0 in range(begin, end, at_once):
            c1 = min(end, c0 + at_once)
            later = c0 > begin
            here = (n, c0, c1)
            gs, winners, xs, dxs = g, winner, x, dx
            turned_from = 0
            for d in range(len(ways)):
                way = (ways[d, 0] == 1, ways[d, 1] == 1)
                vertical = way[0]
                h = hs[1] if vertical else hs[0]
                p, lam, weight = ps[0], lams[0], weights[0]
                three, given, limit = all_forms[0]
                if vertical:
                    p, lam, weight = ps[1], lams[1], weights[1]
                    three, given, limit = all_forms[1]
                lanes_steps = _lanes_steps(frame, vertical)
                apart = plane(dx, n, 0, c0, 0, vertical).lane != 1
                if _turns(ways, d):
                    turned_from = d
                    gs = face(g, _spare(spares[0], vertical), here, vertical, lanes_steps)
                    xs = face(x, _spare(spares[1], vertical), here, vertical, lanes_steps)
                    if mode == LARGEST:
                        room = _spare(spares[4], vertical)
                        winners = face(winner, room, here, vertical, lanes_steps)
                    dxs = from_channel(_spare(spares[3], vertical), c0) if apart else dx
                if mode == SINGLE:
                    h = face(h, _spare(spares[2], vertical), here, vertical, lanes_steps)
                elif again:
                    h = from_channel(h, c0)
                    kept = (h, h)
                    to = To(
                        kept,
                        kept,
                        dx,
                        (weight, weight),
                        winner,
                        winner,
                        NOWHERE,
                        True,
                        False,
                        False,
                    )
                    place, forms = (n, d, c0, c1), (three, given, limit)
                    walk_forward(xs, p, lam, to, place, way, lanes_steps, forms, scratch)
                adds = (
                    d > turned_from if apart else d > 0,
                    shared_p and later,
                    (shared_l and later) or (shared_ways and d > 0),
                    later,
                )
                walk_backward(
                    (gs, weight, winners, xs, p, lam, h),
                    (dxs, *sums),
                    adds,
                    (n, d, c0, c1, own_n),
                    way,
                    lanes_steps,
                    (three, given, limit, mode == WEIGHTED, mode == LARGEST, streams),
                    makes,
                    scratch[0],
                )
                if makes[0] and apart and _returns(ways, d):
                    for c in range(c0, c1):
                        lines = direct(plane(dxs, n, 0, c, 0, vertical), 0)
                        to_x = plane(dx, n, 0, c, 0, vertical)
                        lanes, steps = lanes_steps
                        save(lines, lanes, to_x, 0, steps, turned_from > 0, False)


@_kept
def turn(
    counter: Any,
    tasks: Any,
    ways: Any,
    frame: Any,
    sources: Any,
    targets: Any,
    turns: Any,
    flags: Any,
) -> None:
    """Lay what channels share with its lanes side by side; see `_turn.turn_lines`.

    Args:
        tasks: rows of n, d, begin, end.
        targets: for directions along rows, and for the others.
        turns: for a direction along rows, and for another, which are wanted.
        flags: three-way, limit.
    """
    p, lam, mix = bare(sources[0]), bare(sources[1]), bare(sources[2])
    to_p, to_lam, to_mix = _both(targets[0]), _both(targets[1]), _both(targets[2])
    while True:
        i = take(counter)
        if i >= len(tasks):
            return
        n, d, begin, end = tasks[i]
        vertical = ways[d, 0] == 1
        lanes, steps = _lanes_steps(frame, vertical)
        place = (n, d, begin, end, steps - 1 if ways[d, 1] == 1 else 0)
        wanted = turns[1] if vertical else turns[0]
        to = (to_p[0], to_lam[0], to_mix[0])
        if vertical:
            to = (to_p[1], to_lam[1], to_mix[1])
        turn_lines((p, lam, mix), to, wanted, place, vertical, lanes, flags)


@inner
def _both(fields: Any) -> Any:
    return bare(fields[0]), bare(fields[1])


@inner
def _lanes_steps(frame: Any, vertical: bool) -> Any:
    height, width = frame
    return (width, height) if vertical else (height, width)


@inner
def _turns(ways: Any, d: int) -> bool:
    """Whether lanes lie another way than in the direction before."""
    return d == 0 or ways[d, 0] != ways[d - 1, 0]


@inner
def _returns(ways: Any, d: int) -> bool:
    """Whether lanes lie another way in the direction after."""
    return d == len(ways) - 1 or ways[d, 0] != ways[d + 1, 0]


@inner
def _spare(fields: Any, vertical: bool) -> Field:
    return bare(fields[1]) if vertical else bare(fields[0])
