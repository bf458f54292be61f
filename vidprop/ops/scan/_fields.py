"""Tensors as compiled code sees them, and their lines with lanes side by side."""

from typing import Any, NamedTuple

from ._loops import increase, move, vanish
from ._tiles import (
    add_tile,
    inner,
    item_size,
    part,
    past_line,
    pointer,
    prefetch,
    put_tile,
    stream_tile,
    stream_vector,
    tile_size,
)

_TILE, _BLOCK_VALUES, _MOST_ROWS = 16, 2**14, 64
# Lines from now that are asked for: far enough ahead for main memory.
_HINTED = 6

_tile_size = inner(tile_size)


class Field(NamedTuple):
    """A tensor: its memory, where in it all indices are 0, and a stride for every dimension.

    A stride is 0 where the tensor lacks the dimension or shares one entry along it.
    """

    data: Any
    first: int
    n: int
    d: int
    c: int
    k: int
    y: int
    x: int


class Plane(NamedTuple):
    """One plane of a field, in the lanes and steps of a direction."""

    data: Any
    first: int
    lane: int
    step: int


class Lines(NamedTuple):
    """Lines with lanes side by side, in memory or in scratch; line 0 is the block's first."""

    data: Any
    first: int
    pitch: int


@inner
def bare(field: Any) -> Any:
    """The field with a pointer to its memory."""
    data, f = pointer(field.data), field
    return Field(data, f.first, f.n, f.d, f.c, f.k, f.y, f.x)


@inner
def from_channel(field: Any, c: int) -> Any:
    """The field with its channels counted from c."""
    f = field
    return Field(f.data, f.first - c * f.c, f.n, f.d, f.c, f.k, f.y, f.x)


@inner
def plane(field: Any, n: int, d: int, c: int, k: int, vertical: bool) -> Any:
    """The plane of `field` at these indices."""
    first = field.first + n * field.n + d * field.d + c * field.c + k * field.k
    if vertical:
        return Plane(field.data, first, field.x, field.y)
    return Plane(field.data, first, field.y, field.x)


def line_count(lanes: int) -> int:
    """Lines in a block: whole tiles, long enough pieces of memory's rows, scratch in cache."""
    return max(_TILE, min(_MOST_ROWS, _BLOCK_VALUES // lanes // _TILE * _TILE))


def line_pitch(lanes: int) -> int:
    """Values from one line of a block to the next: whole vectors, and no power of two."""
    return (lanes + _TILE - 1) // _TILE * _TILE + _TILE


def block_values(lanes: int) -> int:
    """Values in a block: its lines, one before and one after."""
    rows = max(_TILE, min(_MOST_ROWS, _BLOCK_VALUES // lanes // _TILE * _TILE))
    return (rows + 2) * ((lanes + _TILE - 1) // _TILE * _TILE + _TILE)


# What compiled code calls; the plain ones are for the rest.
rows_of, pitch_of, block_size = inner(line_count), inner(line_pitch), inner(block_values)


@inner
def desk(work: Any, i: int, lanes: int) -> Any:
    """The i-th block of scratch, as lines."""
    pitch = pitch_of(lanes)
    return Lines(work, i * block_size(lanes) + pitch, pitch)


@inner
def line(lines: Any, r: int) -> Any:
    """Where line r is."""
    return part(lines.data, lines.first + r * lines.pitch)


@inner
def hint(lines: Any, r: int, ahead: int, lanes: int) -> None:
    """A line some steps from line r is read soon, steps being of `ahead` lines.

    Processors do not see rows coming that are read in descending order.
    """
    first = lines.first + (r + _HINTED * ahead) * lines.pitch
    for k in range(0, lanes, _TILE):
        prefetch(lines.data, first + k)


@inner
def direct(source: Any, step: int) -> Any:
    """The plane's own lines from `step` on; its lanes must lie side by side."""
    return Lines(source.data, source.first + step * source.step, source.step)


@inner
def bring(block: Any, lanes: int, source: Any, step: int, rows: int) -> Any:
    """The plane's lines from `step` on: its own where lanes lie side by side, else copies."""
    if source.lane == 1:
        return direct(source, step)
    load(block, lanes, source, step, rows)
    return block


@inner
def load(block: Any, lanes: int, source: Any, step: int, rows: int) -> None:
    """Copy the plane's lines from `step` on to lines 0, 1, ... of `block`."""
    first = source.first + step * source.step
    n = _tile_size(item_size(block.data))
    whole_rows, whole_lanes = 0, 0
    if source.lane == 1:
        for r in range(rows):
            copy(line(block, r), part(source.data, first + r * source.step), lanes)
        return
    if source.step == 1:
        whole_rows, whole_lanes = rows // n * n, lanes // n * n
    for k in range(0, whole_lanes, n):
        for r in range(0, whole_rows, n):
            at = first + k * source.lane + r
            for i in range(n):
                prefetch(source.data, at + (i + n) * source.lane)
            to = block.first + r * block.pitch + k
            put_tile(source.data, at, source.lane, block.data, to, block.pitch)
    for r in range(rows):
        for k in range(whole_lanes if r < whole_rows else 0, lanes):
            value = source.data[first + k * source.lane + r * source.step]
            block.data[block.first + r * block.pitch + k] = value


@inner
def face(field: Any, spare: Any, place: Any, vertical: bool, frame: Any) -> Any:
    """`field` if its lanes lie side by side in a direction, else `spare` with its planes.

    Args:
        place: n, c0, c1.
        frame: lanes, steps.
    """
    n, c0, c1 = place
    lanes, steps = frame
    if plane(field, n, 0, c0, 0, vertical).lane == 1:
        return field
    turned = from_channel(spare, c0)
    for c in range(c0, c1):
        to = direct(plane(turned, n, 0, c, 0, vertical), 0)
        load(to, lanes, plane(field, n, 0, c, 0, vertical), 0, steps)
    return turned


@inner
def save(
    block: Any, lanes: int, target: Any, step: int, rows: int, adds: bool, streams: bool
) -> None:
    """The way back of `load`; `adds` to what the plane holds, or `streams` past the cache.

    The plane's lanes or its steps are adjacent.
    """
    first = target.first + step * target.step
    if target.lane == 1:
        for r in range(rows):
            to = part(target.data, first + r * target.step)
            if streams:
                stream(to, line(block, r), lanes)
            else:
                put(to, line(block, r), lanes, adds)
        return
    n = _tile_size(item_size(block.data))
    whole_rows, whole_lanes = rows // n * n, lanes // n * n
    pitch_bytes = target.lane * item_size(block.data)
    straight = past_line(target.data, first) == 0 and pitch_bytes % 64 == 0
    for k in range(0, whole_lanes, n):
        for r in range(0, whole_rows, n):
            at, to = block.first + r * block.pitch + k, first + k * target.lane + r
            if adds:
                add_tile(block.data, at, block.pitch, target.data, to, target.lane)
            elif streams and straight:
                stream_tile(block.data, at, block.pitch, target.data, to, target.lane)
            else:
                put_tile(block.data, at, block.pitch, target.data, to, target.lane)
    for k in range(lanes):
        for r in range(whole_rows if k < whole_lanes else 0, rows):
            to = first + k * target.lane + r
            value = block.data[block.first + r * block.pitch + k]
            target.data[to] = target.data[to] + value if adds else value


@inner
def stream(to: Any, values: Any, count: int) -> None:
    """`to = values`, past the cache where `to` begins at a multiple of 64 bytes."""
    n = 64 // item_size(to)
    whole = 0 if past_line(to, 0) else count // n * n
    for k in range(0, whole, n):
        stream_vector(to, k, values, k)
    for k in range(whole, count):
        to[k] = values[k]


@inner
def emit(to: Any, values: Any, count: int, streams: bool) -> None:
    """`to = values`, past the cache if asked."""
    if streams:
        stream(to, values, count)
    else:
        copy(to, values, count)


@inner
def put(to: Any, values: Any, count: int, adds: bool) -> None:
    """`to = values`, or `+=`."""
    if adds:
        increase((to,), (to, values), count)
    else:
        copy(to, values, count)


@inner
def copy(to: Any, values: Any, count: int) -> None:
    """`to = values`."""
    move((to,), (values,), count)


@inner
def clear(to: Any, count: int) -> None:
    """`to = 0`."""
    vanish((to,), (to,), count)
