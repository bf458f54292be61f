"""The adjoint of `_walk`: the same walk from its end, on the same blocks."""

from typing import Any, NamedTuple

from ._adjoint import correlate, gather, product, pull, seed
from ._affinities import AFFINITY_BLOCKS, Taps, bring_taps, limit_back
from ._fields import (
    Lines,
    block_size,
    bring,
    clear,
    copy,
    desk,
    direct,
    hint,
    line,
    load,
    pitch_of,
    plane,
    rows_of,
    save,
)
from ._tiles import inner, part

_GRADS, _SHARES, _WEIGHTS, _XS, _GS, _HS, _DXS, _DLAMS, _DWS, _ADJOINTS = (
    AFFINITY_BLOCKS + i for i in (0, 3, 4, 5, 6, 7, 8, 9, 10, 11)
)
BACKWARD_BLOCKS = _ADJOINTS + 1


class Target(NamedTuple):
    """Where lines of a gradient go; `apart` from the tensor if they must be turned afterwards."""

    lines: Any
    apart: bool
    adds: bool


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
    works: Any,
) -> None:
    """One direction's part of the gradients of channels c0 <= c < c1.

    Args:
        ins: g (gradient of what the directions were integrated to), weight (this
            direction's share of it) or winner (whose it is), x, p, lam, h.
        outs: dx, dp, dlam, dweight.
        adds: for each of `outs`, whether it is added to rather than written.
        place: n, d, c0, c1, h_from, and the n at which dp, dlam and dweight are this caller's.
        way: vertical, reverse.
        frame: lanes, steps.
        flags: three-way, injection given, limit, weighted, won, whether dp goes past the cache.
        makes: which of `outs` are wanted.
        works: scratch, of floats and of bytes.
    """
    _, _, c0, c1, _, _ = place
    _, reverse = way
    lanes, steps = frame
    if not flags[0]:
        clear(part(works[0], 0, 3 * block_size(lanes)), 3 * block_size(lanes))
    most, ahead = rows_of(lanes), 1 if reverse else -1
    for done in range(0, steps, most):
        rows = min(most, steps - done)
        step = done if reverse else steps - done - rows
        first = -1 if done + rows < steps else (rows - 1 if reverse else 0)
        span = (step, rows, first)
        _keep_seam(works[0], lanes, rows, reverse)
        factors = _factors(ins, place, way[0], lanes, span, flags, works[0])
        sums = _sums(outs, adds, place, way[0], lanes, step, flags, works[0])
        for c in range(c0, c1):
            sources = _sources(ins, place, c, way, lanes, span, flags, works)
            dx = plane(outs[0], place[0], 0, c, 0, way[0])
            dxs = _aim(desk(works[0], _DXS, lanes), dx, step, adds[0])
            rings = desk(works[0], _ADJOINTS, lanes)
            ring = Lines(rings.data, rings.first + 2 * (c - c0) * rings.pitch, rings.pitch)
            for j in range(rows):
                r = j if reverse else rows - 1 - j
                for source in sources[:3]:
                    hint(source, r + 2 * ahead, lanes)
                when = (r, step + r, r == first, done + j == 0, c > c0, place[1])
                _retreat(factors, sums, sources, dxs, ring, when, way[1], lanes, flags, makes)
            if makes[0] and dxs.apart:
                save(dxs.lines, lanes, dx, step, rows, adds[0], False)
        _settle(outs, adds, sums, place, way[0], lanes, span, flags, makes, works[0])


@inner
def _keep_seam(work: Any, lanes: int, rows: int, reverse: bool) -> None:
    """The affinities of the line that the last block ended at lie beside this block."""
    for i in range(3):
        block = desk(work, i, lanes)
        if reverse:
            copy(line(block, -1, lanes), line(block, rows_of(lanes) - 1, lanes), lanes)
        else:
            copy(line(block, rows, lanes), line(block, 0, lanes), lanes)


@inner
def _factors(
    ins: Any, place: Any, vertical: bool, lanes: int, span: Any, flags: Any, work: Any
) -> Any:
    _, weight, _, _, p, lam, _ = ins
    n, d, c, _, _, _ = place
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
def _sources(
    ins: Any, place: Any, c: int, way: Any, lanes: int, span: Any, flags: Any, works: Any
) -> Any:
    g, _, winner, x, _, _, h = ins
    n, d, _, _, h_from, _ = place
    vertical, reverse = way
    step, rows, first = span
    work, small = works
    gs = bring(desk(work, _GS, lanes), lanes, plane(g, n, 0, c, 0, vertical), step, rows)
    xs = bring(desk(work, _XS, lanes), lanes, plane(x, n, d, c, 0, vertical), step, rows)
    of_h = plane(h, n, d, c - h_from, 0, vertical)
    hs = bring(desk(work, _HS, lanes), lanes, of_h, step, rows)
    if of_h.lane != 1 and first < 0:
        before = rows if reverse else -1
        at = Lines(hs.data, hs.first + before * hs.pitch, hs.pitch)
        load(at, lanes, of_h, step + before, 1)
    wins = desk(small, 0, lanes)
    if flags[4]:
        wins = bring(wins, lanes, plane(winner, n, 0, c, 0, vertical), step, rows)
    return gs, xs, hs, wins


@inner
def _aim(block: Any, target: Any, step: int, adds: bool) -> Any:
    if target.lane == 1:
        return Target(direct(target, step), False, adds)
    return Target(block, True, False)


@inner
def _sums(
    outs: Any, adds: Any, place: Any, vertical: bool, lanes: int, step: int, flags: Any, work: Any
) -> Any:
    """Where the gradients go to which every channel adds."""
    _, dp, dlam, dweight = outs
    _, d, c, _, _, n = place
    three, _, limit, _, _, streams = flags
    pitch = pitch_of(lanes)
    lines = Taps(work, _GRADS * block_size(lanes) + pitch, pitch, block_size(lanes))
    dps = Target(lines, True, False)
    to = plane(dp, n[0], d, c, 0, vertical)
    if to.lane == 1 and three and not limit and not streams:
        lines = Taps(to.data, to.first + step * to.step, to.step, dp.k)
        dps = Target(lines, False, adds[1])
    to = plane(dlam, n[1], d, c, 0, vertical)
    dlams = _aim(desk(work, _DLAMS, lanes), to, step, adds[2])
    to = plane(dweight, n[2], d, 0, 0, vertical)
    dweights = _aim(desk(work, _DWS, lanes), to, step, adds[3])
    return dps, dlams, dweights


@inner
def _retreat(
    factors: Any,
    sums: Any,
    sources: Any,
    dxs: Any,
    ring: Any,
    when: Any,
    reverse: bool,
    lanes: int,
    flags: Any,
    makes: Any,
) -> None:
    """One line of one channel."""
    taps, shares, weights = factors
    dps, dlams, dweights = sums
    gs, xs, hs, wins = sources
    r, step, first, last, later, d = when
    _, given, _, weighted, won, _ = flags
    after, before = (r - 1, r + 1) if reverse else (r + 1, r - 1)
    adjoint, ahead = line(ring, step % 2, lanes), line(ring, (step + 1) % 2, lanes)
    g, h, x = line(gs, r, lanes), line(hs, r, lanes), line(xs, r, lanes)
    seed(adjoint, g, line(weights, r, lanes), line(wins, r, lanes), d, lanes, (weighted, won))
    if makes[3]:
        product(line(dweights.lines, r, lanes), g, h, lanes, dweights.adds or later)
    if not last:
        gather(adjoint, ahead, taps, after, lanes)
    if makes[0]:
        share = line(shares, r, lanes)
        pull(line(dxs.lines, r, lanes), adjoint, share, taps, r, lanes, (given, first, dxs.adds))
    if makes[2]:
        product(line(dlams.lines, r, lanes), adjoint, x, lanes, dlams.adds or later)
    if makes[1]:
        adds = dps.adds or later
        correlate(dps.lines, adjoint, x, line(hs, before, lanes), r, lanes, (given, first, adds))


@inner
def _settle(
    outs: Any,
    adds: Any,
    sums: Any,
    place: Any,
    vertical: bool,
    lanes: int,
    span: Any,
    flags: Any,
    makes: Any,
    work: Any,
) -> None:
    """Bring to their tensors the sums that are not there yet."""
    _, dp, dlam, dweight = outs
    dps, dlams, dweights = sums
    _, d, c, _, _, n = place
    step, rows, first = span
    three, _, limit, _, _, streams = flags
    if makes[1] and dps.apart:
        if limit:
            limit_back(work, dps.lines, lanes, rows, first)
        for i in range(3 if three else 1):
            source = desk(work, _GRADS + (i if three else 1), lanes)
            save(source, lanes, plane(dp, n[0], d, c, i, vertical), step, rows, adds[1], streams)
    if makes[2] and dlams.apart:
        save(dlams.lines, lanes, plane(dlam, n[1], d, c, 0, vertical), step, rows, adds[2], False)
    if makes[3] and dweights.apart:
        to = plane(dweight, n[2], d, 0, 0, vertical)
        save(dweights.lines, lanes, to, step, rows, adds[3], False)
