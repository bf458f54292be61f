"""What the adjoint of the scan does to one line of one plane."""

from typing import Any

from ._affinities import tap
from ._fields import Lines, clear, copy, line
from ._loops import differ, differ_more, multiply, multiply_more, remain, remain_more, retreat
from ._tiles import inner, part


@inner
def seed(adjoint: Any, g: Any, weight: Any, winner: Any, d: int, lanes: int, flags: Any) -> None:
    """What of the integrated result's gradient is direction d's."""
    weighted, won = flags
    zero = g.dtype.type(0)
    if weighted:
        multiply(adjoint, (g, weight), lanes)
    elif won:
        for k in range(lanes):
            adjoint[k] = g[k] if winner[k] == d else zero
    else:
        copy(adjoint, g, lanes)


@inner
def product(to: Any, a: Any, b: Any, lanes: int, adds: bool) -> None:
    """`to = a * b`, or `+=`."""
    if adds:
        multiply_more(to, (a, b, to), lanes)
    else:
        multiply(to, (a, b), lanes)


@inner
def gather(adjoint: Any, ahead: Any, taps: Any, after: int, lanes: int) -> None:
    """Add what the line after hands back: its lane k+1 by p0, k by p1, k-1 by p2."""
    p0, p1, p2 = (
        tap(taps, 0, after, lanes),
        tap(taps, 1, after, lanes),
        tap(taps, 2, after, lanes),
    )
    end = lanes - 1
    left, right = adjoint[0] + p1[0] * ahead[0], adjoint[end] + p1[end] * ahead[end]
    if end > 0:
        left += p0[1] * ahead[1]
        right += p2[end - 1] * ahead[end - 1]
    before = Lines(taps.data, taps.first + 2 * taps.tap - 1, taps.pitch)
    p2_before = line(before, after, lanes)
    ahead_before = part(ahead, -1, lanes + 2)
    _gather_inner(adjoint, ahead_before, part(p0, 0, lanes + 1), p1, p2_before, lanes)
    adjoint[end] = right
    adjoint[0] = left


@inner
def _gather_inner(adjoint: Any, ahead: Any, p0: Any, p1: Any, p2: Any, lanes: int) -> None:
    """`ahead` and `p2` begin a lane early."""
    shifted = part(ahead, 0, lanes), part(ahead, 1, lanes), part(ahead, 2, lanes)
    retreat(adjoint, (adjoint, p2, p1, part(p0, 1, lanes), *shifted), lanes)


@inner
def pull(dx: Any, adjoint: Any, share: Any, taps: Any, r: int, lanes: int, flags: Any) -> None:
    """The gradient of x."""
    given, first, adds = flags
    if given:
        product(dx, adjoint, share, lanes, adds)
    elif first:
        if adds:
            for k in range(lanes):
                dx[k] += adjoint[k]
        else:
            copy(dx, adjoint, lanes)
    else:
        p0, p1, p2 = tap(taps, 0, r, lanes), tap(taps, 1, r, lanes), tap(taps, 2, r, lanes)
        one, end = dx.dtype.type(1), lanes - 1
        left, right = dx[0], dx[end]
        _pull_inner(dx, adjoint, p0, p1, p2, lanes, adds)
        if end > 0:
            value = (one - (p0[end] + p1[end])) * adjoint[end]
            dx[end] = right + value if adds else value
        value = (one - (p1[0] + p2[0] if end > 0 else p1[0])) * adjoint[0]
        dx[0] = left + value if adds else value


@inner
def _pull_inner(dx: Any, adjoint: Any, p0: Any, p1: Any, p2: Any, lanes: int, adds: bool) -> None:
    if adds:
        remain_more(dx, (adjoint, p0, p1, p2, dx), lanes)
    else:
        remain(dx, (adjoint, p0, p1, p2), lanes)


@inner
def correlate(dps: Any, adjoint: Any, x: Any, before: Any, r: int, lanes: int, flags: Any) -> None:
    """The gradients of the affinities."""
    given, first, adds = flags
    d0, d1, d2 = tap(dps, 0, r, lanes), tap(dps, 1, r, lanes), tap(dps, 2, r, lanes)
    if first:
        if not adds:
            clear(d0, lanes)
            clear(d1, lanes)
            clear(d2, lanes)
        return
    end = lanes - 1
    zero = x.dtype.type(0)
    left, right = (d0[0], d2[end]) if adds else (zero, zero)
    _correlate_one(d0, adjoint, x, part(before, -1, lanes), lanes, given, adds)
    _correlate_one(d1, adjoint, x, before, lanes, given, adds)
    _correlate_one(d2, adjoint, x, part(before, 1, lanes), lanes, given, adds)
    d0[0], d2[end] = left, right


@inner
def _correlate_one(
    to: Any, adjoint: Any, x: Any, before: Any, lanes: int, given: bool, adds: bool
) -> None:
    """One affinity's."""
    if given:
        product(to, adjoint, before, lanes, adds)
    elif adds:
        differ_more(to, (adjoint, before, x, to), lanes)
    else:
        differ(to, (adjoint, before, x), lanes)
