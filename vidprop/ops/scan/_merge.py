"""Where lines of the scans go: kept, written out, or integrated with those of other directions.

Of the four directions the two along rows meet in a transposed plane of scratch, and the sum or
maximum of all in another, so that only whole results pass through memory.
"""

from typing import Any, NamedTuple

from ._fields import bare, bring, clear, copy, desk, direct, line, load, plane, save, stream
from ._loops import multiply, multiply_more
from ._steps import maximum, name_maximum
from ._tiles import inner

SINGLE, LARGEST, WEIGHTED, NOWHERE = 0, 1, 2, 3


class To(NamedTuple):
    """Fields that lines of the scans are handed to, and how.

    Those along rows are kept transposed: a field of them and one of the others show the same
    memory.
    """

    kept: Any
    pairs: Any
    out: Any
    weight: Any
    winner: Any
    named: Any
    mode: int
    keeps: bool
    names: bool
    streams: bool


@inner
def bare_to(to: Any) -> Any:
    """`to` with pointers to memory."""
    return To(
        (bare(to.kept[0]), bare(to.kept[1])),
        (bare(to.pairs[0]), bare(to.pairs[1])),
        bare(to.out),
        bare(to.weight),
        bare(to.winner),
        bare(to.named),
        to.mode,
        to.keeps,
        to.names,
        to.streams,
    )


@inner
def prepare(to: Any, block: Any, n: int, d: int, vertical: bool, lanes: int, span: Any) -> Any:
    """This direction's weights."""
    step, rows, _ = span
    if to.mode != WEIGHTED:
        return block
    return bring(block, lanes, plane(to.weight, n, d, 0, 0, vertical), step, rows)


@inner
def hand_over(
    hs: Any,
    to: Any,
    weights: Any,
    turned: Any,
    place: Any,
    vertical: bool,
    lanes: int,
    span: Any,
    small: Any,
) -> None:
    """A block of lines of one channel: n, d, c, and c counted from the block's first."""
    n, d, c, at = place
    step, rows, _ = span
    if to.keeps:
        kept = to.kept[1] if vertical else to.kept[0]
        save(hs, lanes, plane(kept, n, d, c, 0, vertical), step, rows, False, to.streams)
    if to.mode == NOWHERE:
        return
    out = plane(to.out, n, 0, c, 0, vertical)
    if to.mode == SINGLE:
        save(hs, lanes, out, step, rows, False, to.streams)
        return
    pairs = to.pairs[1] if vertical else to.pairs[0]
    sums = direct(plane(pairs, 0, 1 if vertical else 0, at, 0, vertical), step)
    names = direct(plane(to.named, 0, 0, at, 0, False), step)
    if vertical:
        names = direct(plane(to.winner, n, 0, c, 0, True), step)
    before, named = sums, names
    if d == 2:
        before, named = turned, desk(small, 0, lanes)
        load(before, lanes, plane(to.pairs[0], 0, 0, at, 0, True), step, rows)
        if to.names:
            load(named, lanes, plane(to.named, 0, 0, at, 0, True), step, rows)
    after = direct(out, step) if d == 3 and not to.streams else sums
    for r in range(rows):
        h, weight = line(hs, r), line(weights, r)
        made, name = line(after, r), line(names, r)
        if d == 0:
            _begin(made, h, weight, name, lanes, to)
        else:
            _add(made, line(before, r), h, weight, name, line(named, r), d, lanes, to)
        if d == 3 and to.streams:
            stream(line(direct(out, step), r), made, lanes)


@inner
def _begin(made: Any, h: Any, weight: Any, name: Any, lanes: int, to: Any) -> None:
    if to.mode == WEIGHTED:
        multiply((made,), (h, weight), lanes)
        return
    copy(made, h, lanes)
    if to.names:
        clear(name, lanes)


@inner
def _add(
    made: Any, total: Any, h: Any, weight: Any, name: Any, named: Any, d: int, lanes: int, to: Any
) -> None:
    if to.mode == WEIGHTED:
        multiply_more((made,), (h, weight, total), lanes)
    elif to.names:
        name_maximum((made, name), (total, h, named, d), lanes)
    else:
        maximum((made,), (total, h), lanes)
