"""Which planes a thread takes next, and what it does to them: compiled, without the GIL."""

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from ._tiles import load_block, part, plane
from ._walk import walk_forward
from ._walk_back import walk_backward

SINGLE, LARGEST, WEIGHTED = 0, 1, 2


@intrinsic
def _take(_context: Any, counter: Any):  # type: ignore[no-untyped-def]
    """The counter's value before it is raised by one, whichever thread asks."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        one = ir.Constant(ir.IntType(64), 1)
        return builder.atomic_rmw("add", array.data, one, "monotonic")

    return types.int64(counter), emit


@njit(nogil=True, cache=True)
def forward(
    counter: Any, tasks: Any, ways: Any, frame: Any, ins: Any, outs: Any, flags: Any, work: Any
) -> None:
    """Scan and integrate, task by task, until none is left.

    Args:
        counter: the next task, shared by the threads.
        tasks: rows of n, c0, c1 and the channel from which `h` counts.
        ways: a row of vertical, reverse for each direction.
        frame: height, width.
        ins: x, p, lam, weight.
        outs: h, out, winner.
        flags: three-way, injection given, limit; how to integrate; whether to name winners.
        work: scratch.
    """
    x, p, lam, weight = ins
    h, out, winner = outs
    height, width = frame
    three, given, limit, mode, names = flags
    while True:
        i = _take(counter)
        if i >= len(tasks):
            return
        n, c0, c1, h_from = tasks[i]
        for d in range(len(ways)):
            way = (ways[d, 0] == 1, ways[d, 1] == 1)
            lanes_steps = (width, height) if way[0] else (height, width)
            place = (n, d, c0, c1, h_from)
            walk_forward(x, p, lam, h, place, way, lanes_steps, (three, given, limit), work)
        for c in range(c0, c1):
            if mode == WEIGHTED:
                _weighted(h, weight, out, (n, c, c - h_from), frame, work)
            if mode == LARGEST:
                _largest(h, out, winner, (n, c, c - h_from), frame, names)


@njit(nogil=True, cache=True)
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
    work: Any,
) -> None:
    """The gradients of `forward`, task by task, until none is left.

    Args:
        tasks: rows of n, c0, c1, which n of the gradients that are sums over channels is
            this task's own, and how many planes are walked at once.
        ins: g, weight, winner, x, p, lam, h.
        outs: dx, dp, dl, dweight.
        shared: whether the channels share p; whether they share lam; whether directions do.
        flags: three-way, injection given, limit; how to integrate; whether to scan again.
        makes: which of `outs` are wanted.
    """
    _, _, _, x, p, lam, h = ins
    height, width = frame
    three, given, limit, mode, again = flags
    shared_p, shared_l, shared_ways = shared
    while True:
        i = _take(counter)
        if i >= len(tasks):
            return
        n, begin, end, own, at_once = tasks[i]
        sums = (own if shared_p else n, own if shared_l else n, own)
        for c0 in range(begin, end, at_once):
            c1 = min(end, c0 + at_once)
            later = c0 > begin
            for d in range(len(ways)):
                way = (ways[d, 0] == 1, ways[d, 1] == 1)
                lanes_steps = (width, height) if way[0] else (height, width)
                h_from = c0 if again else 0
                if again:
                    place = (n, d, c0, c1, h_from)
                    walk_forward(x, p, lam, h, place, way, lanes_steps, (three, given, limit), work)
                adds = (
                    d > 0,
                    shared_p and later,
                    (shared_l and later) or (shared_ways and d > 0),
                    later,
                )
                walk_backward(
                    ins,
                    outs,
                    adds,
                    (n, d, c0, c1, h_from, sums),
                    way,
                    lanes_steps,
                    (three, given, limit, mode == WEIGHTED, mode == LARGEST),
                    makes,
                    work,
                )


@njit(nogil=True, fastmath={"contract"})
def _weighted(h: Any, weight: Any, out: Any, place: Any, frame: Any, work: Any) -> None:
    n, c, hc = place
    height, width = frame
    to = plane(out, n, 0, c, 0, True)
    for y in range(height):
        line = part(to.data, to.first + y * to.step, width)
        for d in range(4):
            load_block(work, 0, width, plane(weight, n, d, 0, 0, True), y, 1)
            source = plane(h, n, d, hc, 0, True)
            value = part(source.data, source.first + y * source.step, width)
            _multiply(line, part(work, 1, width), value, width, d > 0)


@njit(nogil=True, fastmath={"contract"})
def _multiply(to: Any, weight: Any, value: Any, count: int, adds: bool) -> None:
    if adds:
        for k in range(count):
            to[k] += weight[k] * value[k]
    else:
        for k in range(count):
            to[k] = weight[k] * value[k]


@njit(nogil=True)
def _largest(h: Any, out: Any, winner: Any, place: Any, frame: Any, names: bool) -> None:
    n, c, hc = place
    count = frame[0] * frame[1]
    to = part(out.data, plane(out, n, 0, c, 0, True).first, count)
    planes = (
        part(h.data, plane(h, n, 0, hc, 0, True).first, count),
        part(h.data, plane(h, n, 1, hc, 0, True).first, count),
        part(h.data, plane(h, n, 2, hc, 0, True).first, count),
        part(h.data, plane(h, n, 3, hc, 0, True).first, count),
    )
    if names:
        won = part(winner.data, plane(winner, n, 0, c, 0, True).first, count)
        _name_winners(planes, won, count)
    _maximum(planes, to, count)


@njit(nogil=True)
def _maximum(planes: Any, to: Any, count: int) -> None:
    a, b, c, d = planes
    for k in range(count):
        to[k] = _larger(_larger(a[k], b[k]), _larger(c[k], d[k]))


@njit(nogil=True)
def _name_winners(planes: Any, won: Any, count: int) -> None:
    """The first of the largest; the first NaN, if there is one."""
    a, b, c, d = planes
    for k in range(count):
        best, at = a[k], types.uint8(0)
        at = types.uint8(1) if _beats(b[k], best) else at
        best = _larger(best, b[k])
        at = types.uint8(2) if _beats(c[k], best) else at
        best = _larger(best, c[k])
        at = types.uint8(3) if _beats(d[k], best) else at
        won[k] = at


@njit(nogil=True)
def _beats(value: Any, best: Any) -> Any:
    return value > best or (value != value and best == best)


@njit(nogil=True)
def _larger(best: Any, value: Any) -> Any:
    return value if _beats(value, best) else best
