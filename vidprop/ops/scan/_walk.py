"""One direction of the scan over planes that share their affinities.

Block after block of lines is looked at with lanes side by side, where they lie or in scratch;
a block's affinities serve every plane. A line of h is made in a ring of two, and goes where it is
wanted while it is in the nearest cache.
"""

from typing import Any, NamedTuple

from ._affinities import AFFINITY_BLOCKS, bring_taps, tap
from ._fields import Lines, block_size, bring, clear, copy, desk, direct, hint, line, plane, rows_of
from ._loops import multiply
from ._merge import Aim, aim, finish, hand_over, prepare
from ._steps import advance, advance_given
from ._tiles import inner, part, within

_SHARES, _RING, _SPARE, _WEIGHTS, _BLOCK, _TURNED = (AFFINITY_BLOCKS + i for i in range(6))
FORWARD_BLOCKS = _TURNED + 1


class Front(NamedTuple):
    """One channel: its lines of x, its two of h, and where these go."""

    xs: Lines
    ring: Lines
    aim: Aim


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
        works: scratch of FORWARD_BLOCKS blocks, and one of bytes.
    """
    n, d, c0, c1 = place
    vertical, reverse = way
    lanes, steps = frame
    three, given, limit = flags
    work, _ = works
    size = block_size(lanes)
    if not three:
        clear(part(work, 0), 3 * size)
    clear(part(work, _RING * size), size)
    most = rows_of(lanes)
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
        for c in range(c0, c1):
            front = _front(x, to, works, (n, d, c0, c), vertical, lanes, span)
            forms = (given, reverse)
            _scan_lines(taps, shares, weights, front, to, works, d, lanes, span, forms)
            finish(front.aim, to, vertical, lanes, span)


@inner
def _front(x: Any, to: Any, works: Any, place: Any, vertical: bool, lanes: int, span: Any) -> Front:
    work, small = works
    n, d, c0, c = place
    at = c - c0
    ring = desk(work, _RING, lanes)
    blocks = desk(work, _BLOCK, lanes), desk(work, _TURNED, lanes), desk(small, 0, lanes)
    return Front(
        direct(plane(x, n, 0, c, 0, vertical), span[0]),
        Lines(ring.data, ring.first + 2 * at * ring.pitch, ring.pitch),
        aim(to, blocks, (n, d, c, at), vertical, lanes, span),
    )


@within
def _scan_lines(
    taps: Any,
    shares: Any,
    weights: Any,
    front: Any,
    to: Any,
    works: Any,
    d: int,
    lanes: int,
    span: Any,
    forms: Any,
) -> None:
    step, rows, first = span
    given, reverse = forms
    ahead = -1 if reverse else 1
    spare = line(desk(works[0], _SPARE, lanes), 0)
    for j in range(rows):
        r = rows - 1 - j if reverse else j
        if reverse:
            hint(front.xs, r, ahead, lanes)
            for i in range(3):
                hint(Lines(taps.data, taps.first + i * taps.tap, taps.pitch), r, ahead, lanes)
        turn = (step + r) & 1
        h, last = line(front.ring, turn), line(front.ring, 1 - turn)
        from_before = part(last, -1), last, part(last, 1)
        x, share = line(front.xs, r), line(shares, r)
        p0, p1, p2 = tap(taps, 0, r), tap(taps, 1, r), tap(taps, 2, r)
        if r == first:
            _begin(h, x, share, lanes, given)
        elif given:
            advance_given((h,), (x, p0, p1, p2, *from_before, share), lanes)
        else:
            advance((h,), (x, p0, p1, p2, *from_before), lanes)
        hand_over(h, front.aim, to, line(weights, r), spare, r, d, lanes)


@within
def _begin(h: Any, x: Any, share: Any, lanes: int, given: bool) -> None:
    if given:
        multiply((h,), (share, x), lanes)
    else:
        copy(h, x, lanes)
