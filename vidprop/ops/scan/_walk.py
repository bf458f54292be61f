"""One direction of the scan over planes that share their affinities.

Block after block of lines is looked at with lanes side by side, where they lie or in scratch;
a block's affinities serve every plane. Lines of h are made in scratch, and go where they are
wanted while they are in cache.
"""

from typing import Any

from ._affinities import AFFINITY_BLOCKS, bring_taps, tap
from ._fields import block_size, bring, clear, copy, desk, line, plane, rows_of
from ._loops import advance, advance_given, multiply
from ._merge import hand_over, prepare
from ._tiles import inner, part

_SHARES, _XS, _HS, _SEAMS, _WEIGHTS, _TURNED = (AFFINITY_BLOCKS + i for i in range(6))
FORWARD_BLOCKS = _TURNED + 1


@inner
def walk_forward(
    x: Any, p: Any, lam: Any, to: Any, place: Any, way: Any, frame: Any, flags: Any, works: Any
) -> None:
    """Scan channels c0 <= c < c1 and hand their lines over to `to`; see `_merge.hand_over`.

    Args:
        to: where lines go, and how.
        place: n, d, c0, c1.
        way: vertical, reverse.
        frame: lanes, steps.
        flags: three-way, injection given, limit.
        works: scratch of FORWARD_BLOCKS blocks, and of bytes.
    """
    n, d, c0, c1 = place
    vertical, reverse = way
    lanes, steps = frame
    three, given, limit = flags
    ahead = -1 if reverse else 1
    work, small = works
    if not three:
        clear(part(work, 0, 3 * block_size(lanes)), 3 * block_size(lanes))
    most = rows_of(lanes)
    xs, hs, seams = desk(work, _XS, lanes), desk(work, _HS, lanes), desk(work, _SEAMS, lanes)
    for done in range(0, steps, most):
        rows = min(most, steps - done)
        step = steps - done - rows if reverse else done
        first = -1 if done else (rows - 1 if reverse else 0)
        span = (step, rows, first)
        taps = bring_taps(work, lanes, p, (n, d, c0), vertical, span, (three, limit))
        shares = desk(work, _SHARES, lanes)
        if given:
            source = plane(lam, n, d, c0, 0, vertical)
            shares = bring(shares, lanes, source, step, rows)
        weights = prepare(to, desk(work, _WEIGHTS, lanes), n, d, vertical, lanes, span)
        begin, end = (rows - 1, 0) if reverse else (0, rows - 1)
        for c in range(c0, c1):
            source = bring(xs, lanes, plane(x, n, d, c, 0, vertical), step, rows)
            if done:
                copy(line(hs, begin - ahead, lanes), line(seams, c - c0, lanes), lanes)
            for j in range(rows):
                r = begin + ahead * j
                _advance(taps, shares, source, hs, r, r - ahead, lanes, (given, r == first))
            copy(line(seams, c - c0, lanes), line(hs, end, lanes), lanes)
            at = (n, d, c, c - c0)
            hand_over(hs, to, weights, desk(work, _TURNED, lanes), at, vertical, lanes, span, small)


@inner
def _advance(
    taps: Any, shares: Any, xs: Any, hs: Any, r: int, before: int, lanes: int, flags: Any
) -> None:
    given, first = flags
    h, x = line(hs, r, lanes), line(xs, r, lanes)
    share = line(shares, r, lanes)
    if first:
        _begin(h, share, x, lanes, given)
        return
    p0, p1, p2 = tap(taps, 0, r, lanes), tap(taps, 1, r, lanes), tap(taps, 2, r, lanes)
    last = part(hs.data, hs.first + before * hs.pitch - 1, lanes + 2)
    left = _end(share, x, p0, p1, p2, last, 0, lanes, given)
    right = _end(share, x, p0, p1, p2, last, lanes - 1, lanes, given)
    if given:
        _inner_given(h, share, x, p0, p1, p2, last, lanes)
    else:
        _inner(h, x, p0, p1, p2, last, lanes)
    h[lanes - 1] = right
    h[0] = left


@inner
def _begin(h: Any, share: Any, x: Any, lanes: int, given: bool) -> None:
    if given:
        multiply(h, (share, x), lanes)
    else:
        copy(h, x, lanes)


@inner
def _inner(h: Any, x: Any, p0: Any, p1: Any, p2: Any, last: Any, lanes: int) -> None:
    before = part(last, 0, lanes), part(last, 1, lanes), part(last, 2, lanes)
    advance(h, (x, p0, p1, p2, *before), lanes)


@inner
def _inner_given(
    h: Any, share: Any, x: Any, p0: Any, p1: Any, p2: Any, last: Any, lanes: int
) -> None:
    before = part(last, 0, lanes), part(last, 1, lanes), part(last, 2, lanes)
    advance_given(h, (x, p0, p1, p2, *before, share), lanes)


@inner
def _end(
    share: Any, x: Any, p0: Any, p1: Any, p2: Any, last: Any, k: int, lanes: int, given: bool
) -> Any:
    """h of a lane at the frame's edge, where a neighbour is missing."""
    degree, carried = p1[k], p1[k] * last[k + 1]
    if k > 0:
        degree += p0[k]
        carried += p0[k] * last[k]
    if k < lanes - 1:
        degree += p2[k]
        carried += p2[k] * last[k + 2]
    return (share[k] if given else x.dtype.type(1) - degree) * x[k] + carried
