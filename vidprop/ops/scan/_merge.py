"""The integration of the four scans, a strip of rows at a time."""

from typing import Any

from ._fields import bring, copy, desk, direct, line, plane, rows_of
from ._tiles import inner

SINGLE, LARGEST, WEIGHTED = 0, 1, 2
MERGE_BLOCKS = 3


@inner
def merge(
    hs: Any, weight: Any, out: Any, winner: Any, place: Any, frame: Any, how: Any, work: Any
) -> None:
    """Write `out`, and `winner` if it is wanted, from the scans of one channel.

    Args:
        hs: the scans along rows, and those along columns: fields over the same memory.
        place: n, c, and c counted as `hs` counts.
        frame: height, width.
        how: mode, whether to name winners, whether the first direction is vertical.
        work: scratch of MERGE_BLOCKS blocks.
    """
    n, c, hc = place
    height, width = frame
    mode, names, vertical = how
    for y in range(0, height, rows_of(width)):
        rows = min(rows_of(width), height - y)
        to = direct(plane(out, n, 0, c, 0, True), y)
        first = plane(hs[1] if vertical else hs[0], n, 0, hc, 0, True)
        a = bring(desk(work, 0, width), width, first, y, rows)
        if mode == SINGLE:
            for r in range(rows):
                copy(line(to, r, width), line(a, r, width), width)
            continue
        b = bring(desk(work, 1, width), width, plane(hs[0], n, 1, hc, 0, True), y, rows)
        four = (
            a,
            b,
            direct(plane(hs[1], n, 2, hc, 0, True), y),
            direct(plane(hs[1], n, 3, hc, 0, True), y),
        )
        if mode == WEIGHTED:
            _weigh(four, weight, to, n, y, rows, width, work)
            continue
        for r in range(rows):
            lines = (
                line(four[0], r, width),
                line(four[1], r, width),
                line(four[2], r, width),
                line(four[3], r, width),
            )
            _maximum(lines, line(to, r, width), width)
            if names:
                won = direct(plane(winner, n, 0, c, 0, True), y)
                _name_winners(lines, line(won, r, width), width)


@inner
def _weigh(
    four: Any, weight: Any, to: Any, n: int, y: int, rows: int, width: int, work: Any
) -> None:
    for d in range(4):
        block = desk(work, 2, width)
        weights = bring(block, width, plane(weight, n, d, 0, 0, True), y, rows)
        for r in range(rows):
            _multiply(
                line(to, r, width), line(weights, r, width), line(four[d], r, width), width, d
            )


@inner
def _multiply(to: Any, weight: Any, value: Any, count: int, d: int) -> None:
    if d > 0:
        for k in range(count):
            to[k] += weight[k] * value[k]
    else:
        for k in range(count):
            to[k] = weight[k] * value[k]


@inner
def _maximum(lines: Any, to: Any, count: int) -> None:
    a, b, c, d = lines
    for k in range(count):
        to[k] = _larger(_larger(a[k], b[k]), _larger(c[k], d[k]))


@inner
def _name_winners(lines: Any, won: Any, count: int) -> None:
    """The first of the largest; the first NaN, if there is one."""
    a, b, c, d = lines
    none = won.dtype.type(0)
    for k in range(count):
        best, at = a[k], none
        at = none + 1 if _beats(b[k], best) else at
        best = _larger(best, b[k])
        at = none + 2 if _beats(c[k], best) else at
        best = _larger(best, c[k])
        at = none + 3 if _beats(d[k], best) else at
        won[k] = at


@inner
def _beats(value: Any, best: Any) -> Any:
    return value > best or (value != value and best == best)


@inner
def _larger(best: Any, value: Any) -> Any:
    return value if _beats(value, best) else best
