"""One direction of the scan over planes that share their affinities.

Block after block of lines is looked at with lanes side by side, where they lie or in scratch;
a block's affinities serve every plane.
"""

from typing import Any

from ._affinities import AFFINITY_BLOCKS, bring_taps, tap
from ._fields import block_size, bring, clear, copy, desk, direct, line, plane, rows_of
from ._tiles import inner, part

FORWARD_BLOCKS = AFFINITY_BLOCKS + 2


@inner
def walk_forward(
    x: Any, p: Any, lam: Any, h: Any, place: Any, way: Any, frame: Any, flags: Any, work: Any
) -> None:
    """Write the scan of channels c0 <= c < c1 to `h`.

    Args:
        h: a field whose lanes lie side by side and whose lines are apart, or the loop over
            lanes could not be one over vectors; its channels count from `h_from`.
        place: n, d, c0, c1, h_from.
        way: vertical, reverse.
        frame: lanes, steps.
        flags: three-way, injection given, limit.
        work: scratch of FORWARD_BLOCKS blocks.
    """
    n, d, c0, c1, h_from = place
    vertical, reverse = way
    lanes, steps = frame
    three, given, limit = flags
    ahead = -1 if reverse else 1
    if not three:
        clear(work, 3 * block_size(lanes))
    most = rows_of(lanes)
    for done in range(0, steps, most):
        rows = min(most, steps - done)
        step = steps - done - rows if reverse else done
        first = -1 if done else (rows - 1 if reverse else 0)
        span = (step, rows, first)
        taps = bring_taps(work, lanes, p, (n, d, c0), vertical, span, (three, limit))
        shares = desk(work, AFFINITY_BLOCKS, lanes)
        if given:
            source = plane(lam, n, d, c0, 0, vertical)
            shares = bring(shares, lanes, source, step, rows)
        for c in range(c0, c1):
            xs = desk(work, AFFINITY_BLOCKS + 1, lanes)
            xs = bring(xs, lanes, plane(x, n, d, c, 0, vertical), step, rows)
            hs = direct(plane(h, n, d, c - h_from, 0, vertical), step)
            for j in range(rows):
                r = rows - 1 - j if reverse else j
                _advance(taps, shares, xs, hs, r, r - ahead, lanes, (given, r == first))


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
    if given:
        _inner_given(h, share, x, p0, p1, p2, last, lanes)
    else:
        _inner(h, x, p0, p1, p2, last, lanes)
    _end(h, share, x, p0, p1, p2, last, 0, lanes, given)
    _end(h, share, x, p0, p1, p2, last, lanes - 1, lanes, given)


@inner
def _begin(h: Any, share: Any, x: Any, lanes: int, given: bool) -> None:
    if given:
        for k in range(lanes):
            h[k] = share[k] * x[k]
    else:
        copy(h, x, lanes)


@inner
def _inner(h: Any, x: Any, p0: Any, p1: Any, p2: Any, last: Any, lanes: int) -> None:
    one = h.dtype.type(1)
    for k in range(lanes):
        carried = p0[k] * last[k] + p1[k] * last[k + 1] + p2[k] * last[k + 2]
        h[k] = (one - (p0[k] + p1[k] + p2[k])) * x[k] + carried


@inner
def _inner_given(
    h: Any, share: Any, x: Any, p0: Any, p1: Any, p2: Any, last: Any, lanes: int
) -> None:
    for k in range(lanes):
        carried = p0[k] * last[k] + p1[k] * last[k + 1] + p2[k] * last[k + 2]
        h[k] = share[k] * x[k] + carried


@inner
def _end(
    h: Any,
    share: Any,
    x: Any,
    p0: Any,
    p1: Any,
    p2: Any,
    last: Any,
    k: int,
    lanes: int,
    given: bool,
) -> None:
    """A lane at the frame's edge, where a neighbour is missing."""
    degree, carried = p1[k], p1[k] * last[k + 1]
    if k > 0:
        degree += p0[k]
        carried += p0[k] * last[k]
    if k < lanes - 1:
        degree += p2[k]
        carried += p2[k] * last[k + 2]
    h[k] = (share[k] if given else h.dtype.type(1) - degree) * x[k] + carried
