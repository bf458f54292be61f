"""The adjoint of `_walk`: the same walk from its end, on the same blocks."""

from typing import Any

from numba import njit

from ._affinities import PLANES, ROWS, SHARE, give_back, prepare
from ._tiles import clear, copy, load_block, part, plane, store_block

BACKWARD_BLOCKS = 2 * PLANES + 6


@njit(nogil=True)
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
    """Add one direction's part to the gradients of channels c0 <= c < c1.

    Args:
        ins: g (gradient of what the directions were integrated to), weight (this
            direction's share of it) or winner (whose it is), x, p, lam, h.
        outs: dx, dp, dl, dweight.
        adds: for each of `outs`, whether it is added to rather than written.
        place: n, d, c0, c1, h_from, and the n at which dp, dl and dweight are this caller's.
        way: vertical, reverse.
        frame: lanes, steps.
        flags: three-way, injection given, limit, weighted, won.
        makes: which of `outs` are wanted.
        work: scratch.
    """
    g, weight, winner, x, p, lam, h = ins
    dx, dp, dl, dweight = outs
    n, d, c0, c1, h_from, sums = place
    vertical, reverse = way
    lanes, steps = frame
    three, given, limit, weighted, won = flags
    pitch = lanes + 2
    size = (ROWS + 2) * pitch
    block, grad = part(work, 0, PLANES * size), part(work, PLANES * size, PLANES * size)
    desk = part(work, 2 * PLANES * size, 6 * size)
    xs, hs, gs = part(desk, 0, size), part(desk, size, size), part(desk, 2 * size, size)
    dxs, ws, dws = (
        part(desk, 3 * size, size),
        part(desk, 4 * size, size),
        part(desk, 5 * size, size),
    )
    carry = part(work, BACKWARD_BLOCKS * size, (c1 - c0) * pitch)
    clear(work, BACKWARD_BLOCKS * size + (c1 - c0) * pitch)
    for done in range(0, steps, ROWS):
        rows = min(ROWS, steps - done)
        step = done if reverse else steps - done - rows
        first = -1 if done + rows < steps else (rows - 1 if reverse else 0)
        span = (step, rows, first)
        after = 0 if reverse else rows + 1
        for i in range(3):
            seam = part(block, i * size + (ROWS if reverse else 1) * pitch, pitch)
            copy(part(block, i * size + after * pitch, pitch), seam, pitch)
        prepare(block, lanes, p, lam, (n, d, c0), way, span, (three, given, limit))
        clear(grad, (SHARE + 1) * size)
        if weighted:
            clear(dws, size)
            load_block(ws, 1, lanes, plane(weight, n, d, 0, 0, vertical), step, rows)
        for c in range(c0, c1):
            load_block(xs, 1, lanes, plane(x, n, d, c, 0, vertical), step, rows)
            load_block(gs, 1, lanes, plane(g, n, d, c, 0, vertical), step, rows)
            _load_with_before(hs, lanes, plane(h, n, d, c - h_from, 0, vertical), span, reverse)
            if weighted:
                _weigh(gs, hs, ws, dws, size)
            if won:
                _claim(gs, lanes, plane(winner, n, d, c, 0, vertical), step, rows, d)
            kept = part(carry, (c - c0) * pitch, pitch)
            copy(part(gs, after * pitch, pitch), kept, pitch)
            ahead = after
            for j in range(rows):
                row = j + 1 if reverse else rows - j
                back = row + 1 if reverse else row - 1
                _adjoint(block, size, gs, row * pitch, ahead * pitch, lanes)
                _share(block, size, grad, gs, xs, dxs, row * pitch, lanes)
                _correlate(grad, size, gs, hs, row * pitch, back * pitch, lanes)
                ahead = row
            copy(kept, part(gs, ahead * pitch, pitch), pitch)
            if makes[0]:
                store_block(dxs, 1, lanes, plane(dx, n, d, c, 0, vertical), step, rows, adds[0])
        give_back(grad, block, lanes, span, (three, given, limit))
        _hand_out(grad, dws, outs, adds, makes, (sums, d, c0), way, lanes, (three, step, rows))


@njit(nogil=True)
def _load_with_before(hs: Any, lanes: int, h: Any, span: Any, reverse: bool) -> None:
    """The lines of a block, and the one that the scan passed before them."""
    step, rows, first = span
    load_block(hs, 1, lanes, h, step, rows)
    before = rows + 1 if reverse else 0
    if first >= 0:
        clear(part(hs, before * (lanes + 2), lanes + 2), lanes + 2)
    else:
        load_block(hs, before, lanes, h, step + (rows if reverse else -1), 1)


@njit(nogil=True, fastmath={"contract"})
def _weigh(gs: Any, hs: Any, ws: Any, dws: Any, size: int) -> None:
    for k in range(size):
        dws[k] += gs[k] * hs[k]
        gs[k] *= ws[k]


@njit(nogil=True)
def _claim(gs: Any, lanes: int, winner: Any, step: int, rows: int, d: int) -> None:
    """The gradient goes to the direction that won the pixel."""
    zero = gs.dtype.type(0)
    for r in range(rows):
        first = winner.first + (step + r) * winner.step
        to = part(gs, (r + 1) * (lanes + 2) + 1, lanes)
        for k in range(lanes):
            to[k] = to[k] if winner.data[first + k * winner.lane] == d else zero


@njit(nogil=True)
def _adjoint(block: Any, size: int, gs: Any, row: int, ahead: int, lanes: int) -> None:
    pitch = lanes + 2
    _gather(
        part(gs, row + 1, lanes),
        part(block, ahead, pitch),
        part(block, size + ahead, pitch),
        part(block, 2 * size + ahead, pitch),
        part(gs, ahead, pitch),
        lanes,
    )


@njit(nogil=True, fastmath={"contract"})
def _gather(g: Any, p0: Any, p1: Any, p2: Any, ahead: Any, lanes: int) -> None:
    for k in range(lanes):
        above = p2[k] * ahead[k] + p1[k + 1] * ahead[k + 1]
        g[k] += above + p0[k + 2] * ahead[k + 2]


@njit(nogil=True)
def _share(
    block: Any, size: int, grad: Any, gs: Any, xs: Any, dxs: Any, row: int, lanes: int
) -> None:
    _scale(
        part(dxs, row + 1, lanes),
        part(grad, SHARE * size + row + 1, lanes),
        part(block, SHARE * size + row + 1, lanes),
        part(gs, row + 1, lanes),
        part(xs, row + 1, lanes),
        lanes,
    )


@njit(nogil=True, fastmath={"contract"})
def _scale(dx: Any, dshare: Any, share: Any, g: Any, x: Any, lanes: int) -> None:
    for k in range(lanes):
        dx[k] = share[k] * g[k]
        dshare[k] += g[k] * x[k]


@njit(nogil=True)
def _correlate(grad: Any, size: int, gs: Any, hs: Any, row: int, back: int, lanes: int) -> None:
    _products(
        part(grad, row + 1, lanes),
        part(grad, size + row + 1, lanes),
        part(grad, 2 * size + row + 1, lanes),
        part(gs, row + 1, lanes),
        part(hs, back, lanes + 2),
        lanes,
    )


@njit(nogil=True, fastmath={"contract"})
def _products(d0: Any, d1: Any, d2: Any, g: Any, before: Any, lanes: int) -> None:
    for k in range(lanes):
        d0[k] += g[k] * before[k]
        d1[k] += g[k] * before[k + 1]
        d2[k] += g[k] * before[k + 2]


@njit(nogil=True)
def _hand_out(
    grad: Any,
    dws: Any,
    outs: Any,
    adds: Any,
    makes: Any,
    place: Any,
    way: Any,
    lanes: int,
    span: Any,
) -> None:
    _, dp, dl, dweight = outs
    sums, d, c = place
    vertical, _ = way
    three, step, rows = span
    size = (ROWS + 2) * (lanes + 2)
    if makes[1]:
        for i in range(3 if three else 1):
            source = part(grad, (i if three else 1) * size, size)
            target = plane(dp, sums[0], d, c, i, vertical)
            store_block(source, 1, lanes, target, step, rows, adds[1])
    if makes[2]:
        source = part(grad, SHARE * size, size)
        target = plane(dl, sums[1], d, c, 0, vertical)
        store_block(source, 1, lanes, target, step, rows, adds[2])
    if makes[3]:
        target = plane(dweight, sums[2], d, c, 0, vertical)
        store_block(dws, 1, lanes, target, step, rows, adds[3])
