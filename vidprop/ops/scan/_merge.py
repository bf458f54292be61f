"""Where lines of the scans go: kept, written out, or integrated with those of other directions.

Of the four directions the two along rows meet in a transposed plane of scratch, and the sum or
maximum of all in another, so that only whole results pass through memory.
"""

from typing import Any, NamedTuple

from ._fields import bare, bring, clear, copy, direct, emit, line, load, plane, save, stream
from ._loops import multiply, multiply_more
from ._steps import maximum, name_maximum
from ._tiles import inner, within

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


class Aim(NamedTuple):
    """Where lines of one channel go: kept; whole; integrated, and with what."""

    kept: Any
    result: Any
    out: Any
    apart: bool
    sums: Any
    before: Any
    names: Any
    named: Any


@inner
def bare_to(to: Any) -> Any:
    """`to` with pointers to memory."""
    return To(
        (bare(to.kept[0]), bare(to.kept[1])),
        (bare(to.pairs[0]), bare(to.pairs[1])),
        bare(to.out),
        (bare(to.weight[0]), bare(to.weight[1])),
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
    return bring(
        block,
        lanes,
        plane(to.weight[1] if vertical else to.weight[0], n, d, 0, 0, vertical),
        step,
        rows,
    )


@inner
def aim(to: Any, blocks: Any, place: Any, vertical: bool, lanes: int, span: Any) -> Aim:
    """Where a block of one channel goes: n, d, c, and c counted from the first at hand."""
    n, d, c, at = place
    step, rows, _ = span
    block, turned, bytes_turned = blocks
    out = plane(to.out, n, 0, c, 0, vertical)
    apart = to.mode == SINGLE and out.lane != 1
    result = block if apart else direct(out, step)
    kept = direct(plane(to.kept[1] if vertical else to.kept[0], n, d, c, 0, vertical), step)
    pairs = to.pairs[1] if vertical else to.pairs[0]
    sums = direct(plane(pairs, 0, 0, at, 0, vertical), step)
    names = direct(plane(to.named, 0, 0, at, 0, False), step)
    if vertical:
        names = direct(plane(to.winner, n, 0, c, 0, True), step)
    before, named = sums, names
    if d == 2:
        before, named = turned, bytes_turned
        load(before, lanes, plane(to.pairs[0], 0, 0, at, 0, True), step, rows)
        if to.names:
            load(named, lanes, plane(to.named, 0, 0, at, 0, True), step, rows)
    return Aim(kept, result, out, apart, sums, before, names, named)


@within
def hand_over(
    h: Any, aim: Any, to: Any, weight: Any, spare: Any, r: int, d: int, lanes: int
) -> None:
    """Line r of a block of one channel."""
    if to.keeps:
        emit(line(aim.kept, r), h, lanes, to.streams)
    if to.mode == NOWHERE:
        return
    if to.mode == SINGLE:
        emit(line(aim.result, r), h, lanes, to.streams and not aim.apart)
        return
    name = line(aim.names, r)
    if d == 0:
        _begin(line(aim.sums, r), h, weight, name, lanes, to)
        return
    whole = spare if to.streams else line(aim.result, r)
    made = whole if d == 3 else line(aim.sums, r)
    _add(made, line(aim.before, r), h, weight, name, line(aim.named, r), d, lanes, to)
    if d == 3 and to.streams:
        stream(line(aim.result, r), made, lanes)


@inner
def finish(aim: Any, to: Any, vertical: bool, lanes: int, span: Any) -> None:
    """Bring a block to its tensor if its lines lie another way there."""
    if aim.apart:
        save(aim.result, lanes, aim.out, span[0], span[1], False, to.streams)


@within
def _begin(made: Any, h: Any, weight: Any, name: Any, lanes: int, to: Any) -> None:
    if to.mode == WEIGHTED:
        multiply((made,), (h, weight), lanes)
        return
    copy(made, h, lanes)
    if to.names:
        clear(name, lanes)


@within
def _add(
    made: Any, total: Any, h: Any, weight: Any, name: Any, named: Any, d: int, lanes: int, to: Any
) -> None:
    if to.mode == WEIGHTED:
        multiply_more((made,), (h, weight, total), lanes)
    elif to.names:
        name_maximum((made, name), (total, h, named, d), lanes)
    else:
        maximum((made,), (total, h), lanes)
