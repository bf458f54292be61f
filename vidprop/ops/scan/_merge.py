"""Where lines of the scans go: kept, written out, or integrated with those of other directions.

Of the four directions the two along rows meet in a transposed plane of scratch, and the sum or
maximum of all in another, so that only whole results pass through memory.
"""

from typing import Any, NamedTuple

from ._fields import bare, bring, copy, desk, direct, line, load, plane, save, stream
from ._loops import multiply, multiply_more
from ._tiles import inner

SINGLE, LARGEST, WEIGHTED, NOWHERE = 0, 1, 2, 3


class To(NamedTuple):
    """Fields that lines of the scans are handed to, and how.

    Those along rows are kept transposed: a field of them and one of the others show the same
    memory. `c` of `kept`, `pairs` and `named` counts from `kept_from`, and from 0.
    """

    kept: Any
    pairs: Any
    out: Any
    weight: Any
    winner: Any
    named: Any
    kept_from: int
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
        to.kept_from,
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
        target = plane(kept, n, d, c - to.kept_from, 0, vertical)
        save(hs, lanes, target, step, rows, False, to.streams)
    if to.mode == NOWHERE:
        return
    out = plane(to.out, n, 0, c, 0, vertical)
    if to.mode == SINGLE:
        save(hs, lanes, out, step, rows, False, to.streams)
        return
    pairs = to.pairs[1] if vertical else to.pairs[0]
    sums = direct(plane(pairs, 0, 1 if vertical else 0, at, 0, vertical), step)
    won = direct(plane(to.winner, n, 0, c, 0, True), step)
    if to.names and not vertical:
        won = direct(plane(to.named, 0, 0, at, 0, False), step)
    if d == 2:
        load(turned, lanes, plane(to.pairs[0], 0, 0, at, 0, True), step, rows)
        if to.names:
            block = desk(small, 0, lanes)
            load(block, lanes, plane(to.named, 0, 0, at, 0, True), step, rows)
            for r in range(rows):
                copy(line(won, r, lanes), line(block, r, lanes), lanes)
    for r in range(rows):
        h, total = line(hs, r, lanes), line(sums, r, lanes)
        weight, name = line(weights, r, lanes), line(won, r, lanes)
        if d == 0:
            _begin(total, h, weight, name, lanes, to)
        elif d == 2:
            _add(line(turned, r, lanes), h, weight, name, d, lanes, to)
            copy(total, line(turned, r, lanes), lanes)
        else:
            _add(total, h, weight, name, d, lanes, to)
            if d == 3:
                _finish(line(direct(out, step), r, lanes), total, lanes, to.streams)


@inner
def _finish(to: Any, total: Any, lanes: int, streams: bool) -> None:
    if streams:
        stream(to, total, lanes)
    else:
        copy(to, total, lanes)


@inner
def _begin(total: Any, h: Any, weight: Any, name: Any, lanes: int, to: Any) -> None:
    if to.mode == WEIGHTED:
        _weigh(total, h, weight, lanes)
        return
    copy(total, h, lanes)
    if to.names:
        for k in range(lanes):
            name[k] = 0


@inner
def _add(total: Any, h: Any, weight: Any, name: Any, d: int, lanes: int, to: Any) -> None:
    if to.mode == WEIGHTED:
        _weigh_more(total, h, weight, lanes)
    else:
        if to.names:
            _name_winner(name, total, h, name.dtype.type(d), lanes)
        _maximum(total, h, lanes)


@inner
def _weigh(total: Any, h: Any, weight: Any, lanes: int) -> None:
    multiply(total, (weight, h), lanes)


@inner
def _weigh_more(total: Any, h: Any, weight: Any, lanes: int) -> None:
    multiply_more(total, (weight, h, total), lanes)


@inner
def _maximum(best: Any, h: Any, lanes: int) -> None:
    """NaN, if there is one."""
    for k in range(lanes):
        best[k] = h[k] if h[k] > best[k] or h[k] != h[k] else best[k]


@inner
def _name_winner(name: Any, best: Any, h: Any, d: Any, lanes: int) -> None:
    """The first of the largest; the first NaN, if there is one."""
    for k in range(lanes):
        beats = h[k] > best[k] or (h[k] != h[k] and best[k] == best[k])
        name[k] = d if beats else name[k]
