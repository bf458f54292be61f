"""Affinities as the scan uses them, a block of lines at a time, and their gradient's way back."""

from typing import Any, NamedTuple

from ._fields import block_size, clear, desk, line, load, pitch_of, plane
from ._steps import limit_sum, unlimit
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
def tap(taps: Any, i: int, r: int) -> Any:
    """Where line r of affinity i is."""
    return part(taps.data, taps.first + i * taps.tap + r * taps.pitch)


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
            limit_line(_scaled(work, lanes, r), lanes, r == first)
    return taps_at(work, lanes)


@inner
def limit_back(work: Any, grad: Any, lanes: int, rows: int, first: int) -> None:
    """From the gradient of what `bring_taps` left in `work` to that of the affinities."""
    for r in range(rows):
        if r != first:
            grads = tap(grad, 0, r), tap(grad, 1, r), tap(grad, 2, r)
            unlimit(grads, (*grads, *_scaled(work, lanes, r)), lanes)


@inner
def _scaled(work: Any, lanes: int, r: int) -> Any:
    return (
        line(desk(work, 0, lanes), r),
        line(desk(work, 1, lanes), r),
        line(desk(work, 2, lanes), r),
        line(desk(work, 3, lanes), r),
    )


@inner
def limit_line(lines: Any, lanes: int, first: bool) -> None:
    """Three affinities and, to be written, what the limit multiplies them by."""
    if first:
        for i in range(3):
            clear(lines[i], lanes)
    limit_sum(lines, lines[:3], lanes)
