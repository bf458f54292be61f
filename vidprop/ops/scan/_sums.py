"""Gradients to which every channel adds: a block's lines, and their way to the tensors."""

from typing import Any, NamedTuple

from ._affinities import AFFINITY_BLOCKS, limit_back, taps_at, taps_of
from ._fields import desk, direct, plane, save
from ._tiles import inner

_GRADS, _DLAMS, _DWS = (AFFINITY_BLOCKS + i for i in (0, 3, 4))
SUM_BLOCKS = _DWS + 1


class Target(NamedTuple):
    """Where lines of a gradient go; `apart` from the tensor if they must be turned afterwards."""

    lines: Any
    apart: bool
    adds: bool


@inner
def _aim(block: Any, target: Any, step: int, adds: bool) -> Any:
    if target.lane == 1:
        return Target(direct(target, step), False, adds)
    return Target(block, True, False)


@inner
def aim_sums(
    outs: Any, adds: Any, place: Any, vertical: bool, lanes: int, step: int, flags: Any, work: Any
) -> Any:
    """Where the gradients go to which every channel adds."""
    _, dp, dlam, dweight = outs
    _, d, c, _, n = place
    three, _, limit, _, _, streams = flags
    dps = Target(taps_at(work, _GRADS, lanes), True, False)
    to = plane(dp, n[0], d, c, 0, vertical)
    if to.lane == 1 and three and not limit and not streams:
        dps = Target(taps_of(dp, (n[0], d, c), vertical, step), False, adds[1])
    to = plane(dlam, n[1], d, c, 0, vertical)
    dlams = _aim(desk(work, _DLAMS, lanes), to, step, adds[2])
    to = plane(dweight, n[2], d, 0, 0, vertical)
    dweights = _aim(desk(work, _DWS, lanes), to, step, adds[3])
    return dps, dlams, dweights


@inner
def settle_sums(
    outs: Any,
    adds: Any,
    sums: Any,
    place: Any,
    vertical: bool,
    lanes: int,
    span: Any,
    flags: Any,
    makes: Any,
    work: Any,
) -> None:
    """Bring to their tensors the sums that are not there yet."""
    _, dp, dlam, dweight = outs
    dps, dlams, dweights = sums
    _, d, c, _, n = place
    step, rows, first = span
    three, _, limit, _, _, streams = flags
    if makes[1] and dps.apart:
        if limit:
            limit_back(work, dps.lines, lanes, rows, first)
        for i in range(3 if three else 1):
            source = desk(work, _GRADS + (i if three else 1), lanes)
            save(source, lanes, plane(dp, n[0], d, c, i, vertical), step, rows, adds[1], streams)
    if makes[2] and dlams.apart:
        save(dlams.lines, lanes, plane(dlam, n[1], d, c, 0, vertical), step, rows, adds[2], False)
    if makes[3] and dweights.apart:
        to = plane(dweight, n[2], d, 0, 0, vertical)
        save(dweights.lines, lanes, to, step, rows, adds[3], False)
