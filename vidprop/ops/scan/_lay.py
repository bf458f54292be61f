"""What channels share is laid with its lanes side by side once for all of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from ._direction import Direction
from ._fields import Field, line_pitch
from ._memory import empty
from ._pool import on_threads
from ._problem import Inputs, Pair, Plan, scan_values
from ._work import turn

_LINES = 64  # of a thread's task

Forms = tuple[bool, bool, bool]


@dataclass(frozen=True)
class Laid:
    """p, injection and mix; and whether p is three-way, injection given, p to be limited."""

    p: Pair
    injection: Pair
    mix: Pair
    forms: tuple[Forms, Forms]


def lay(given: Inputs, plan: Plan, threads: int, changes: bool) -> Laid:
    """The inputs but x, turned where that serves several channels.

    With `changes` p is limited too and made three-way; else left alone if it would have to be.
    """
    three, limit = given.p.shape[3] == 3, plan.limit
    raw = limit or not three
    turns = tuple(_turns(given, vertical, raw and changes, raw) for vertical in (False, True))
    fields = given.fields()[1:]
    planes = (4 if limit else 3), 1, 1
    p, injection, mix = (
        _room(given, plan, source, count, *which)
        for source, count, which in zip(fields, planes, zip(*turns, strict=True), strict=True)
    )
    tasks, counter = _tasks(given, plan, turns), np.zeros(1, np.int64)
    frame = tuple(given.x.shape[2:])

    def job() -> None:
        turn(
            counter, tasks, plan.table(), frame, fields, (p, injection, mix), turns, (three, limit)
        )

    if len(tasks):
        on_threads(min(threads, len(tasks)), job)
    rows, columns = (
        (three or t[0], given.injection is not None, limit and not t[0]) for t in turns
    )
    return Laid(p, injection, mix, (rows, columns))


def _turns(given: Inputs, vertical: bool, changes: bool, raw: bool) -> tuple[bool, ...]:
    """For p, injection and mix: whether channels share it and its lanes do not lie well."""
    C, lane = given.x.shape[1], -1 if vertical else -2

    def one(tensor: Tensor | None, shared: bool) -> bool:
        return tensor is not None and shared and tensor.stride(lane) != 1

    shared_p, shared_l, _ = given.shared()
    p = changes or (not raw and one(given.p, True))
    return shared_p and p, one(given.injection, shared_l), one(given.mix, C > 1)


def _room(given: Inputs, plan: Plan, source: Field, planes: int, rows: bool, columns: bool) -> Pair:
    """The source itself, or room for it turned."""
    if not (rows or columns):
        return source, source
    N, x = given.x.shape[0], given.x
    tall, wide = map(line_pitch, x.shape[2:])
    room = empty((N, len(plan.ways), planes, scan_values(x)), x.dtype)
    n, d, k, _ = room.stride()
    data = room.view(-1).numpy()
    return (
        Field(data, 0, n, d, 0, k, 1, tall) if rows else source,
        Field(data, 0, n, d, 0, k, wide, 1) if columns else source,
    )


def _tasks(given: Inputs, plan: Plan, turns: Any) -> Any:
    N, _, H, W = given.x.shape

    def steps(way: Direction) -> int:
        return H if way.vertical else W

    rows = [
        (n, d, begin, min(begin + _LINES, steps(way)))
        for n in range(N)
        for d, way in enumerate(plan.ways)
        if any(turns[way.vertical])
        for begin in range(0, steps(way), _LINES)
    ]
    return np.array(rows, np.int64).reshape(-1, 4)
