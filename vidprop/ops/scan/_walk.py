"""One direction of the scan over planes that share their affinities.

Block after block of lines is looked at with lanes side by side, where they lie or in scratch;
a block's affinities serve every plane. Lines of h are made in scratch, and go where they are
wanted while they are in cache.
"""

from typing import Any

from ._affinities import AFFINITY_BLOCKS, bring_taps, tap
from ._fields import Lines, block_size, bring, clear, copy, desk, direct, hint, line, plane, rows_of
from ._loops import multiply
from ._merge import hand_over, prepare
from ._steps import advance, advance_given
from ._tiles import inner, part

_SHARES, _HS, _SEAMS, _WEIGHTS, _TURNED = (AFFINITY_BLOCKS + i for i in range(5))
FORWARD_BLOCKS = _TURNED + 1


@inner
def walk_forward(
    x: Any, p: Any, lam: Any, to: Any, place: Any, way: Any, frame: Any, flags: Any, works: Any
) -> None:
    """Scan channels c0 <= c < c1 and hand their lines over to `to`; see `_merge.hand_over`.

    Args:
        x: its lanes lie side by side.
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
        clear(part(work, 0), 3 * block_size(lanes))
    most = rows_of(lanes)
    hs, seams = desk(work, _HS, lanes), desk(work, _SEAMS, lanes)
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
            xs = direct(plane(x, n, 0, c, 0, vertical), step)
            if done:
                copy(line(hs, begin - ahead), line(seams, c - c0), lanes)
            for j in range(rows):
                r = begin + ahead * j
                if reverse:
                    hint(xs, r, ahead, lanes)
                    for i in range(3):
                        taps_i = Lines(taps.data, taps.first + i * taps.tap, taps.pitch)
                        hint(taps_i, r, ahead, lanes)
                _advance(taps, shares, xs, hs, r, r - ahead, lanes, (given, r == first))
            copy(line(seams, c - c0), line(hs, end), lanes)
            at = (n, d, c, c - c0)
            hand_over(hs, to, weights, desk(work, _TURNED, lanes), at, vertical, lanes, span, small)


@inner
def _advance(
    taps: Any, shares: Any, xs: Any, hs: Any, r: int, before: int, lanes: int, flags: Any
) -> None:
    given, first = flags
    h, x, share = line(hs, r), line(xs, r), line(shares, r)
    if first:
        if given:
            multiply((h,), (share, x), lanes)
        else:
            copy(h, x, lanes)
        return
    p0, p1, p2 = tap(taps, 0, r), tap(taps, 1, r), tap(taps, 2, r)
    last = line(hs, before)
    from_before = part(last, -1), last, part(last, 1)
    if given:
        advance_given((h,), (x, p0, p1, p2, *from_before, share), lanes)
    else:
        advance((h,), (x, p0, p1, p2, *from_before), lanes)
