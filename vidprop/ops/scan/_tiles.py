"""Blocks of lines between memory and scratch, lanes turned to lie side by side.

A scan along rows of memory has its lanes a row apart. Square tiles are transposed in
registers on the way in and out, so that every loop over lanes is a loop over vectors.
"""

from typing import Any, NamedTuple

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

_VECTOR_BYTES = 64


def _tile_mover(adds: bool) -> Any:
    """An intrinsic: `to[j, i] = from[i, j]`, or `+=`, for a tile of 64 bytes squared.

    Arguments: source, its first element and row pitch; target, the same.
    """

    @intrinsic
    def move(_context: Any, source: Any, s0: Any, s_pitch: Any, to: Any, t0: Any, t_pitch: Any):  # type: ignore[no-untyped-def]
        signature = types.void(source, types.intp, types.intp, to, types.intp, types.intp)

        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = context.get_data_type(signature.args[0].dtype)
            size = context.get_abi_sizeof(kind)
            arrays = [
                context.make_array(signature.args[i])(context, builder, args[i]) for i in (0, 3)
            ]
            vector = ir.VectorType(kind, _VECTOR_BYTES // size)
            reads = _row_pointers(builder, vector, arrays[0].data, args[1], args[2])
            writes = _row_pointers(builder, vector, arrays[1].data, args[4], args[5])
            rows = _transposed(builder, [builder.load(at, align=size) for at in reads])
            for row, at in zip(rows, writes, strict=True):
                value = builder.fadd(row, builder.load(at, align=size)) if adds else row
                builder.store(value, at, align=size)
            return context.get_dummy_value()

        return signature, emit

    return move


def _row_pointers(builder: Any, vector: Any, base: Any, first: Any, pitch: Any) -> list[Any]:
    offsets = [
        builder.add(first, builder.mul(pitch, ir.Constant(pitch.type, i)))
        for i in range(vector.count)
    ]
    return [builder.bitcast(builder.gep(base, [at]), vector.as_pointer()) for at in offsets]


def _transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """Swap ever larger off-diagonal squares: log2 of the size many rounds."""
    n, square = len(rows), 1
    while square < n:
        low = [j if not j & square else n + j - square for j in range(n)]
        high = [j + square if not j & square else n + j for j in range(n)]
        for i in range(n):
            if not i & square:
                pair = rows[i], rows[i + square]
                rows[i] = builder.shuffle_vector(*pair, _mask(low))
                rows[i + square] = builder.shuffle_vector(*pair, _mask(high))
        square *= 2
    return rows


def _mask(order: list[int]) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(order)), order)


_put_tile, _add_tile = _tile_mover(adds=False), _tile_mover(adds=True)


@intrinsic
def part(_context: Any, data: Any, first: Any, count: Any):  # type: ignore[no-untyped-def]
    """`data[first : first + count]` without a reference count, which costs more than a line.

    The caller of the compiled function must hold `data`.
    """
    view = types.Array(data.dtype, 1, "C")
    signature = view(data, types.intp, types.intp)

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source = context.make_array(signature.args[0])(context, builder, args[0])
        size = context.get_abi_sizeof(context.get_data_type(view.dtype))
        item = context.get_constant(types.intp, size)
        out = context.make_array(view)(context, builder)
        at = builder.gep(source.data, [args[1]])
        populate_array(out, data=at, shape=[args[2]], strides=[item], itemsize=item, meminfo=None)
        return out._getvalue()

    return signature, emit


class Field(NamedTuple):
    """A tensor as compiled code sees it: its memory, and a stride for every dimension.

    A stride is 0 where the tensor lacks the dimension or shares one entry along it.
    """

    data: Any
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


@njit(nogil=True)
def plane(field: Any, n: int, d: int, c: int, k: int, vertical: bool) -> Any:
    """The plane of `field` at these indices."""
    first = n * field.n + d * field.d + c * field.c + k * field.k
    if vertical:
        return Plane(field.data, first, field.x, field.y)
    return Plane(field.data, first, field.y, field.x)


@njit(nogil=True, fastmath={"contract"})
def load_block(block: Any, row: int, lanes: int, source: Any, step: int, rows: int) -> None:
    """Fill `rows` rows of `block` from `row` on with the plane's lines from `step` on."""
    pitch = lanes + 2
    to, first = row * pitch + 1, source.first + step * source.step
    if source.lane == 1:
        for r in range(rows):
            line = part(source.data, first + r * source.step, lanes)
            copy(part(block, to + r * pitch, lanes), line, lanes)
        return
    n = _VECTOR_BYTES // block.itemsize
    tiled = source.step == 1
    whole_rows, whole_lanes = (rows // n * n, lanes // n * n) if tiled else (0, 0)
    for r in range(0, whole_rows, n):
        for k in range(0, whole_lanes, n):
            at = first + k * source.lane + r
            _put_tile(source.data, at, source.lane, block, to + r * pitch + k, pitch)
    for r in range(rows):
        for k in range(whole_lanes if r < whole_rows else 0, lanes):
            block[to + r * pitch + k] = source.data[first + k * source.lane + r * source.step]


@njit(nogil=True, fastmath={"contract"})
def store_block(
    block: Any, row: int, lanes: int, target: Any, step: int, rows: int, adds: bool
) -> None:
    """The way back of `load_block`; `adds` to what the plane holds."""
    pitch = lanes + 2
    at, first = row * pitch + 1, target.first + step * target.step
    if target.lane == 1:
        for r in range(rows):
            to = part(target.data, first + r * target.step, lanes)
            _put_line(to, part(block, at + r * pitch, lanes), lanes, adds)
        return
    n = _VECTOR_BYTES // block.itemsize
    whole_rows, whole_lanes = rows // n * n, lanes // n * n
    for k in range(0, whole_lanes, n):
        for r in range(0, whole_rows, n):
            b, t = at + r * pitch + k, first + k * target.lane + r
            if adds:
                _add_tile(block, b, pitch, target.data, t, target.lane)
            else:
                _put_tile(block, b, pitch, target.data, t, target.lane)
    for k in range(lanes):
        for r in range(whole_rows if k < whole_lanes else 0, rows):
            t = first + k * target.lane + r
            value = block[at + r * pitch + k]
            target.data[t] = target.data[t] + value if adds else value


@njit(nogil=True, fastmath={"contract"})
def copy(to: Any, line: Any, lanes: int) -> None:
    """`to = line`."""
    for k in range(lanes):
        to[k] = line[k]


@njit(nogil=True)
def clear(to: Any, count: int) -> None:
    """`to = 0`."""
    for k in range(count):
        to[k] = 0


@njit(nogil=True, fastmath={"contract"})
def _put_line(to: Any, line: Any, lanes: int, adds: bool) -> None:
    if adds:
        for k in range(lanes):
            to[k] += line[k]
    else:
        copy(to, line, lanes)
