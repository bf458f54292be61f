"""Affinities as the scan uses them, a block of lines at a time, and their gradient's way back."""

from typing import Any, NamedTuple

from ._fields import block_size, clear, desk, load, pitch_of, plane
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
def taps_at(work: Any, i: int, lanes: int) -> Any:
    """Those in blocks of `work` from the i-th on."""
    pitch, size = pitch_of(lanes), block_size(lanes)
    return Taps(work, i * size + pitch, pitch, size)


@inner
def taps_of(field: Any, place: Any, vertical: bool, step: int) -> Any:
    """A field's own, from a step on; its lanes must lie side by side. place: n, d, c."""
    n, d, c = place
    source = plane(field, n, d, c, 0, vertical)
    return Taps(source.data, source.first + step * source.step, source.step, field.k)


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
        return taps_of(p, place, vertical, step)
    for i in range(3 if three else 1):
        source = plane(p, n, d, c, i, vertical)
        load(desk(work, i if three else 1, lanes), lanes, source, step, rows)
    taps = taps_at(work, 0, lanes)
    if limit:
        limit_lines(taps, lanes, rows, first)
    return taps


@inner
def limit_lines(taps: Any, lanes: int, rows: int, first: int) -> None:
    """Limit three affinities; what they are multiplied by is written where a fourth would be."""
    for r in range(rows):
        lines = _four(taps, r)
        if r == first:
            for i in range(3):
                clear(lines[i], lanes)
        limit_sum(lines, lines[:3], lanes)


@inner
def limit_back(work: Any, grad: Any, lanes: int, rows: int, first: int) -> None:
    """From the gradient of what `bring_taps` left in `work` to that of the affinities."""
    limited = taps_at(work, 0, lanes)
    for r in range(rows):
        if r != first:
            grads = tap(grad, 0, r), tap(grad, 1, r), tap(grad, 2, r)
            unlimit(grads, (*grads, *_four(limited, r)), lanes)


@inner
def _four(taps: Any, r: int) -> Any:
    return tap(taps, 0, r), tap(taps, 1, r), tap(taps, 2, r), tap(taps, 3, r)
