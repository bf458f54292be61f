"""Affinities as the scan uses them, a block of lines at a time, and their gradient's way back."""

from typing import Any

from numba import njit

from ._tiles import clear, load_block, part, plane

# Planes of a prepared block: p0, p1, p2, the share of x, and what `limit` multiplied by.
SHARE, SCALE, PLANES = 3, 4, 5
# Lines in a block: a whole number of tiles, few enough for the second cache.
ROWS = 16


@njit(nogil=True, fastmath={"contract"})
def prepare(
    block: Any, lanes: int, p: Any, lam: Any, place: Any, way: Any, span: Any, flags: Any
) -> None:
    """Fill rows 1..rows of every plane of `block`, zeros at first, for the scan to multiply by.

    Args:
        place: n, d, c.
        way: vertical, reverse.
        span: the first step, how many, and which of them is the first of the scan, or -1.
        flags: three-way, injection given, limit.
    """
    n, d, c = place
    vertical, _ = way
    step, rows, first = span
    three, given, limit = flags
    size = (ROWS + 2) * (lanes + 2)
    for i in range(3 if three else 1):
        at = (i if three else 1) * size
        load_block(part(block, at, size), 1, lanes, plane(p, n, d, c, i, vertical), step, rows)
    if given:
        source = plane(lam, n, d, c, 0, vertical)
        load_block(part(block, SHARE * size, size), 1, lanes, source, step, rows)
    for r in range(rows):
        lines = _lines(block, size, (r + 1) * (lanes + 2), lanes)
        _outside(lines, lanes, r == first)
        if limit:
            _limit(lines, lanes)
        if not given:
            _leave(lines, lanes)


@njit(nogil=True, fastmath={"contract"})
def give_back(grad: Any, block: Any, lanes: int, span: Any, flags: Any) -> None:
    """Turn the gradient of a prepared block into that of the affinities, in place."""
    _, rows, first = span
    _, given, limit = flags
    size = (ROWS + 2) * (lanes + 2)
    for r in range(rows):
        g = _lines(grad, size, (r + 1) * (lanes + 2), lanes)
        if not given:
            _subtract(g, lanes)
        _outside(g, lanes, r == first)
        if limit:
            _limit_back(g, _lines(block, size, (r + 1) * (lanes + 2), lanes), lanes)


@njit(nogil=True)
def _lines(block: Any, size: int, row: int, lanes: int) -> Any:
    return (
        part(block, row + 1, lanes),
        part(block, size + row + 1, lanes),
        part(block, 2 * size + row + 1, lanes),
        part(block, SHARE * size + row + 1, lanes),
        part(block, SCALE * size + row + 1, lanes),
    )


@njit(nogil=True)
def _outside(lines: Any, lanes: int, first: bool) -> None:
    """Nothing comes from neighbours off the frame."""
    p0, p1, p2, _, _ = lines
    p0[0] = 0
    p2[lanes - 1] = 0
    if first:
        clear(p0, lanes)
        clear(p1, lanes)
        clear(p2, lanes)


@njit(nogil=True, fastmath={"contract"})
def _subtract(grads: Any, lanes: int) -> None:
    g0, g1, g2, share, _ = grads
    for k in range(lanes):
        g0[k] -= share[k]
        g1[k] -= share[k]
        g2[k] -= share[k]


@njit(nogil=True, fastmath={"contract"})
def _leave(lines: Any, lanes: int) -> None:
    p0, p1, p2, share, _ = lines
    one = share.dtype.type(1)
    for k in range(lanes):
        share[k] = one - (p0[k] + p1[k] + p2[k])


@njit(nogil=True, fastmath={"contract"})
def _limit(lines: Any, lanes: int) -> None:
    p0, p1, p2, _, scale = lines
    one = scale.dtype.type(1)
    for k in range(lanes):
        total = abs(p0[k]) + abs(p1[k]) + abs(p2[k])
        s = one / total if total > one else one
        scale[k] = s
        p0[k] *= s
        p1[k] *= s
        p2[k] *= s


@njit(nogil=True, fastmath={"contract"})
def _limit_back(grads: Any, lines: Any, lanes: int) -> None:
    g0, g1, g2, _, _ = grads
    p0, p1, p2, _, scale = lines
    zero, one = scale.dtype.type(0), scale.dtype.type(1)
    for k in range(lanes):
        s = scale[k]
        along = g0[k] * p0[k] + g1[k] * p1[k] + g2[k] * p2[k] if s < one else zero
        g0[k] = s * (g0[k] - _with_sign(along, p0[k]))
        g1[k] = s * (g1[k] - _with_sign(along, p1[k]))
        g2[k] = s * (g2[k] - _with_sign(along, p2[k]))


@njit(nogil=True)
def _with_sign(value: Any, of: Any) -> Any:
    zero = of * 0
    return value if of > zero else (-value if of < zero else zero)
