"""What channels share, laid with its lanes side by side once for all of them."""

from typing import Any

from ._affinities import limit_lines, taps_of
from ._fields import clear, direct, line, load, plane
from ._tiles import inner


@inner
def turn_lines(
    sources: Any, targets: Any, turns: Any, place: Any, vertical: bool, lanes: int, flags: Any
) -> None:
    """Steps begin <= t < end of one direction.

    Args:
        sources: p, injection, mix.
        targets: a field for each. Affinities are three, and limited come with what they were
            multiplied by.
        turns: which of them are wanted.
        place: n, d, begin, end, and which step is the scan's first.
        flags: three-way, limit.
    """
    n, d, begin, end, first = place
    p, lam, mix = sources
    three, limit = flags
    rows = end - begin
    if turns[0]:
        for i in range(3):
            to = direct(plane(targets[0], n, d, 0, i, vertical), begin)
            if three or i == 1:
                load(to, lanes, plane(p, n, d, 0, i if three else 0, vertical), begin, rows)
            else:
                for r in range(rows):
                    clear(line(to, r), lanes)
        if limit:
            taps = taps_of(targets[0], (n, d, 0), vertical, begin)
            limit_lines(taps, lanes, rows, first - begin)
    if turns[1]:
        to = direct(plane(targets[1], n, d, 0, 0, vertical), begin)
        load(to, lanes, plane(lam, n, d, 0, 0, vertical), begin, rows)
    if turns[2]:
        to = direct(plane(targets[2], n, d, 0, 0, vertical), begin)
        load(to, lanes, plane(mix, n, d, 0, 0, vertical), begin, rows)
