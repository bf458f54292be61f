"""The adjoint of `_walk`: the same walk from its end, on the same blocks.

Every line hands three lines of products back to the line before it: what that line's lanes get
from their neighbours on either side and from the lane itself.
"""

from typing import Any

from ._affinities import bring_taps, tap
from ._fields import block_size, bring, clear, desk, direct, hint, line, plane, put, rows_of
from ._loops import multiply, multiply_more
from ._steps import (
    correlate,
    correlate_given,
    correlate_given_more,
    correlate_more,
    hand_back,
    hand_back_and_keep,
    hand_back_and_keep_more,
    receive,
    receive_weighted,
    receive_won,
)
from ._sums import SUM_BLOCKS, aim_sums, settle_sums
from ._tiles import inner, part, within

_SHARES, _WEIGHTS, _ADJOINT, _BACK = (SUM_BLOCKS + i for i in range(4))
BACKWARD_BLOCKS = _BACK + 3


@inner
def walk_backward(
    ins: Any,
    outs: Any,
    adds: Any,
    place: Any,
    way: Any,
    frame: Any,
    flags: Any,
    makes: Any,
    work: Any,
) -> None:
    """One direction's part of the gradients of channels c0 <= c < c1.

    Args:
        ins: g (gradient of what the directions were integrated to), weight (this
            direction's share of it) or winner (whose it is), x, p, lam, h. Lanes of g, winner,
            x and h lie side by side.
        outs: dx, whose lanes do too, dp, dlam, dweight.
        adds: for each of `outs`, whether it is added to rather than written.
        place: n, d, c0, c1, and the n at which dp, dlam and dweight are this caller's.
        way: vertical, reverse.
        frame: lanes, steps.
        flags: three-way, injection given, limit, weighted, won, whether dp goes past the cache.
        makes: which of `outs` are wanted.
        work: scratch of BACKWARD_BLOCKS blocks.
    """
    _, _, c0, c1, _ = place
    vertical, reverse = way
    lanes, steps = frame
    size = block_size(lanes)
    if not flags[0]:
        clear(part(work, 0), 3 * size)
    clear(part(work, _BACK * size), 3 * size)
    scratch = (
        desk(work, _ADJOINT, lanes),
        desk(work, _BACK, lanes),
        desk(work, _BACK + 1, lanes),
        desk(work, _BACK + 2, lanes),
    )
    most = rows_of(lanes)
    for done in range(0, steps, most):
        rows = min(most, steps - done)
        step = done if reverse else steps - done - rows
        first = -1 if done + rows < steps else (rows - 1 if reverse else 0)
        span = (step, rows, first)
        factors = _factors(ins, place, vertical, lanes, span, flags, work)
        sums = aim_sums(outs, adds, place, vertical, lanes, step, flags, work)
        for c in range(c0, c1):
            planes = _planes(ins, outs[0], place, c, vertical, step)
            own = (
                line(scratch[0], 0),
                line(scratch[1], c - c0),
                line(scratch[2], c - c0),
                line(scratch[3], c - c0),
            )
            for j in range(rows):
                r = j if reverse else rows - 1 - j
                when = (r, r + 1 if reverse else r - 1, r == first, c > c0, adds[0])
                _retreat(factors, sums, planes, own, when, place[1], lanes, flags, makes)
        settle_sums(outs, adds, sums, place, vertical, lanes, span, flags, makes, work)


@inner
def _factors(
    ins: Any, place: Any, vertical: bool, lanes: int, span: Any, flags: Any, work: Any
) -> Any:
    _, weight, _, _, p, lam, _ = ins
    n, d, c, _, _ = place
    step, rows, _ = span
    three, given, limit, weighted, _, _ = flags
    taps = bring_taps(work, lanes, p, (n, d, c), vertical, span, (three, limit))
    shares, weights = desk(work, _SHARES, lanes), desk(work, _WEIGHTS, lanes)
    if given:
        shares = bring(shares, lanes, plane(lam, n, d, c, 0, vertical), step, rows)
    if weighted:
        weights = bring(weights, lanes, plane(weight, n, d, 0, 0, vertical), step, rows)
    return taps, shares, weights


@inner
def _planes(ins: Any, dx: Any, place: Any, c: int, vertical: bool, step: int) -> Any:
    """Lines of one channel from `step` on."""
    g, _, winner, x, _, _, h = ins
    n, d, _, _, _ = place
    return (
        direct(plane(g, n, 0, c, 0, vertical), step),
        direct(plane(x, n, 0, c, 0, vertical), step),
        direct(plane(h, n, d, c, 0, vertical), step),
        direct(plane(winner, n, 0, c, 0, vertical), step),
        direct(plane(dx, n, 0, c, 0, vertical), step),
    )


@within
def _retreat(
    factors: Any,
    sums: Any,
    planes: Any,
    own: Any,
    when: Any,
    d: int,
    lanes: int,
    flags: Any,
    makes: Any,
) -> None:
    """One line of one channel."""
    taps, shares, weights = factors
    dps, dlams, dweights = sums
    gs, xs, hs, wins, dxs = planes
    r, before, first, later, adds_x = when
    _, given, _, weighted, won, _ = flags
    hint(gs, r, before - r, lanes)
    hint(xs, r, before - r, lanes)
    hint(hs, r, before - r, lanes)
    adjoint, back = own[0], own[1:]
    g, x, dx = line(gs, r), line(xs, r), line(dxs, r)
    _receive(adjoint, back, g, line(weights, r), line(wins, r), d, lanes, weighted, won)
    if makes[3]:
        h = line(hs, r)
        _product(line(dweights.lines, r), g, h, lanes, dweights.adds or later)
    p = tap(taps, 0, r), tap(taps, 1, r), tap(taps, 2, r)
    _hand_back(back, dx, adjoint, line(shares, r), p, lanes, (given, first, adds_x), makes[0])
    if makes[2]:
        _product(line(dlams.lines, r), adjoint, x, lanes, dlams.adds or later)
    if makes[1]:
        dp = tap(dps.lines, 0, r), tap(dps.lines, 1, r), tap(dps.lines, 2, r)
        adds = dps.adds or later
        if not first:
            _correlate(dp, adjoint, x, line(hs, before), lanes, given, adds)
        elif not adds:
            for i in range(3):
                clear(dp[i], lanes)


@within
def _receive(
    adjoint: Any,
    back: Any,
    g: Any,
    weight: Any,
    winner: Any,
    d: int,
    lanes: int,
    weighted: bool,
    won: bool,
) -> None:
    """What of the integrated result's gradient is direction d's, and what is handed back."""
    handed = part(back[0], 1), back[1], part(back[2], -1)
    if weighted:
        receive_weighted((adjoint,), (*handed, g, weight), lanes)
    elif won:
        receive_won((adjoint,), (*handed, g, winner, d), lanes)
    else:
        receive((adjoint,), (*handed, g), lanes)


@within
def _hand_back(
    back: Any, dx: Any, adjoint: Any, share: Any, p: Any, lanes: int, flags: Any, wanted: bool
) -> None:
    """For the line before, and to x."""
    given, first, adds = flags
    if first or given or not wanted:
        if not first:
            hand_back(back, (adjoint, *p), lanes)
        if wanted and given:
            _product(dx, adjoint, share, lanes, adds)
        elif wanted:
            put(dx, adjoint, lanes, adds)
    elif adds:
        hand_back_and_keep_more((*back, dx), (adjoint, *p, dx), lanes)
    else:
        hand_back_and_keep((*back, dx), (adjoint, *p), lanes)


@within
def _correlate(
    dp: Any, adjoint: Any, x: Any, last: Any, lanes: int, given: bool, adds: bool
) -> None:
    """To the affinities."""
    h = part(last, -1), last, part(last, 1)
    if given and adds:
        correlate_given_more(dp, (adjoint, *h, *dp), lanes)
    elif given:
        correlate_given(dp, (adjoint, *h), lanes)
    elif adds:
        correlate_more(dp, (adjoint, *h, x, *dp), lanes)
    else:
        correlate(dp, (adjoint, *h, x), lanes)


@inner
def _product(to: Any, a: Any, b: Any, lanes: int, adds: bool) -> None:
    """`to = a * b`, or `+=`."""
    if adds:
        multiply_more((to,), (a, b, to), lanes)
    else:
        multiply((to,), (a, b), lanes)
