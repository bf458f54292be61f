"""Affinities as the scan uses them, a block of lines at a time, and their gradient's way back."""

from typing import Any, NamedTuple

from ._fields import block_size, clear, desk, line, load, pitch_of, plane
from ._tiles import inner, part

# Blocks of scratch: three affinities, and what the limit multiplied them by.
AFFINITY_BLOCKS = 4


class Taps(NamedTuple):
    """Lines of the affinities of a pixel's three neighbours, `tap` values apart."""

    data: Any
    first: int
    pitch: int
    tap: int


@inner
def taps_at(work: Any, lanes: int) -> Any:
    """The affinities in the first blocks of `work`."""
    pitch = pitch_of(lanes)
    return Taps(work, pitch, pitch, block_size(lanes))


@inner
def tap(taps: Any, i: int, r: int, lanes: int) -> Any:
    """Line r of affinity i, a view."""
    return part(taps.data, taps.first + i * taps.tap + r * taps.pitch, lanes)


@inner
def bring_taps(
    work: Any, lanes: int, p: Any, place: Any, vertical: bool, span: Any, flags: Any
) -> Any:
    """The affinities of a block of lines: p's own if they lie well, else copies in `work`.

    Args:
        place: n, d, c.
        span: first step, count, which of them is the scan's first or -1.
        flags: three-way, limit.
    """
    n, d, c = place
    step, rows, first = span
    three, limit = flags
    if three and not limit and plane(p, n, d, c, 0, vertical).lane == 1:
        source = plane(p, n, d, c, 0, vertical)
        return Taps(source.data, source.first + step * source.step, source.step, p.k)
    for i in range(3 if three else 1):
        source = plane(p, n, d, c, i, vertical)
        load(desk(work, i if three else 1, lanes), lanes, source, step, rows)
    if limit:
        for r in range(rows):
            _limit(work, lanes, r, r == first)
    return taps_at(work, lanes)


@inner
def limit_back(work: Any, grad: Any, lanes: int, rows: int, first: int) -> None:
    """From the gradient of what `bring_taps` left in `work` to that of the affinities."""
    for r in range(rows):
        if r != first:
            _limit_line_back(
                (tap(grad, 0, r, lanes), tap(grad, 1, r, lanes), tap(grad, 2, r, lanes)),
                _scaled(work, lanes, r),
                lanes,
            )


@inner
def _scaled(work: Any, lanes: int, r: int) -> Any:
    return (
        line(desk(work, 0, lanes), r, lanes),
        line(desk(work, 1, lanes), r, lanes),
        line(desk(work, 2, lanes), r, lanes),
        line(desk(work, 3, lanes), r, lanes),
    )


@inner
def _limit(work: Any, lanes: int, r: int, first: bool) -> None:
    lines = _scaled(work, lanes, r)
    p0, p1, p2, _ = lines
    p0[0] = 0
    p2[lanes - 1] = 0
    if first:
        clear(p0, lanes)
        clear(p1, lanes)
        clear(p2, lanes)
    _limit_line(lines, lanes)


@inner
def _limit_line(lines: Any, lanes: int) -> None:
    p0, p1, p2, scale = lines
    one = scale.dtype.type(1)
    for k in range(lanes):
        total = abs(p0[k]) + abs(p1[k]) + abs(p2[k])
        s = one / total if total > one else one
        scale[k] = s
        p0[k] *= s
        p1[k] *= s
        p2[k] *= s


@inner
def _limit_line_back(grads: Any, lines: Any, lanes: int) -> None:
    g0, g1, g2 = grads
    p0, p1, p2, scale = lines
    zero, one = scale.dtype.type(0), scale.dtype.type(1)
    for k in range(lanes):
        s = scale[k]
        along = g0[k] * p0[k] + g1[k] * p1[k] + g2[k] * p2[k] if s < one else zero
        g0[k] = s * (g0[k] - _with_sign(along, p0[k]))
        g1[k] = s * (g1[k] - _with_sign(along, p1[k]))
        g2[k] = s * (g2[k] - _with_sign(along, p2[k]))


@inner
def _with_sign(value: Any, of: Any) -> Any:
    zero = of * 0
    return value if of > zero else (-value if of < zero else zero)
