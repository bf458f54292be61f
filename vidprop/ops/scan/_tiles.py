"""Instructions that Numba has no word for: square transposes in registers, pointers, prefetch.

A scan along rows of memory has its lanes a row apart. Square tiles are transposed on the way
in and out, so that every loop over lanes is a loop over vectors.
"""

from collections.abc import Iterable
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

# Rounding may differ by a contraction; NaN and infinity keep their meaning.
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
inner = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)

# For what is called once for every line with more arguments than work.
within = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True, **OPTIONS)

_VECTOR_BYTES, _LANE_BYTES, _LARGEST_TILE = 64, 16, 16


def tile_size(itemsize: int) -> int:
    """Rows and columns of a tile, for values of so many bytes."""
    return min(_LARGEST_TILE, _VECTOR_BYTES // itemsize)


def _tile_mover(way: str) -> Any:
    """An intrinsic: `to[j, i] = from[i, j]`, or `+=`, or past the cache, for one tile.

    Arguments: source, its first element and row pitch; target, the same.
    """

    @intrinsic
    def move(_context: Any, source: Any, s0: Any, s_pitch: Any, to: Any, t0: Any, t_pitch: Any):  # type: ignore[no-untyped-def]
        signature = types.void(source, types.intp, types.intp, to, types.intp, types.intp)

        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = context.get_data_type(signature.args[0].dtype)
            at = [
                builder.gep(_data(context, builder, signature, args, i), [args[i + 1]])
                for i in (0, 3)
            ]
            mover = _mover(context, builder.module, kind, args[2].type, way)
            builder.call(mover, [at[0], args[2], at[1], args[5]])
            return context.get_dummy_value()

        return signature, emit

    return move


def _mover(context: Any, module: Any, kind: Any, index: Any, way: str) -> Any:
    """A function of its own: the many callers would take long to compile with it inside."""
    name = f"vidprop_{way}_tile_{kind}"
    if name in module.globals:
        return module.globals[name]
    pointer = kind.as_pointer()
    shape = ir.FunctionType(ir.VoidType(), [pointer, index, pointer, index])
    function = ir.Function(module, shape, name)
    function.linkage = "linkonce_odr"
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block())
    size = context.get_abi_sizeof(kind)
    n, lane = tile_size(size), min(tile_size(size), _LANE_BYTES // size)
    source, s_pitch, to, t_pitch = function.args
    for first in range(0, n, lane):
        rows = [_gathered(builder, kind, source, s_pitch, (n, lane, i), first) for i in range(lane)]
        for i, row in enumerate(_transposed(builder, rows, lane)):
            at = _row(builder, to, t_pitch, first + i, 0, row.type)
            if way == "stream":
                _store_past_cache(builder, row, at)
            else:
                value = builder.fadd(row, builder.load(at, align=size)) if way == "add" else row
                builder.store(value, at, align=size)
    builder.ret_void()
    return function


def _data(context: Any, builder: Any, signature: Any, args: Any, i: int) -> Any:
    if isinstance(signature.args[i], types.CPointer):
        return args[i]
    return context.make_array(signature.args[i])(context, builder, args[i]).data


def _row(builder: Any, data: Any, pitch: Any, row: int, column: int, kind: Any) -> Any:
    offset = builder.mul(pitch, ir.Constant(pitch.type, row))
    at = builder.gep(data, [builder.add(offset, ir.Constant(pitch.type, column))])
    return builder.bitcast(at, kind.as_pointer())


def _gathered(builder: Any, kind: Any, data: Any, pitch: Any, sizes: Any, column: int) -> Any:
    """A lane's width of every so many rows, side by side."""
    n, lane, row = sizes
    piece = ir.VectorType(kind, lane)
    parts = [
        builder.load(_row(builder, data, pitch, i, column, piece), align=1)
        for i in range(row, n, lane)
    ]
    while len(parts) > 1:
        whole = _mask(range(2 * parts[0].type.count))
        parts = [
            builder.shuffle_vector(*pair, whole)
            for pair in zip(parts[::2], parts[1::2], strict=True)
        ]
    return parts[0]


def _transposed(builder: Any, rows: list[Any], lane: int) -> list[Any]:
    """Squares in lanes of 16 bytes: the halves of the rows interleaved, again and again."""
    n, half = rows[0].type.count, lane // 2
    low = [first + i // 2 + n * (i % 2) for first in range(0, n, lane) for i in range(lane)]
    low, high = _mask(low), _mask([i + half for i in low])
    for _ in range(lane.bit_length() - 1):
        pairs = zip(rows[:half], rows[half:], strict=True)
        rows = [builder.shuffle_vector(*pair, mask) for pair in pairs for mask in (low, high)]
    return rows


def _mask(order: Iterable[int]) -> Any:
    places = list(order)
    return ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places)


def _store_past_cache(builder: Any, value: Any, at: Any) -> None:
    """To memory without reading first what is there; `at` is a multiple of 64 bytes."""
    one = ir.Constant(ir.IntType(32), 1)
    stored = builder.store(value, at, align=_VECTOR_BYTES)
    stored.set_metadata("nontemporal", builder.module.add_metadata([one]))


put_tile, add_tile, stream_tile = map(_tile_mover, ("put", "add", "stream"))


@intrinsic
def stream_vector(_context: Any, to: Any, t0: Any, source: Any, s0: Any):  # type: ignore[no-untyped-def]
    """`to[t0:] = source[s0:]`, 64 bytes past the cache, where `to[t0]` is at a multiple of 64."""
    signature = types.void(to, types.intp, source, types.intp)

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = context.get_data_type(signature.args[0].dtype)
        size = context.get_abi_sizeof(kind)
        pointer = ir.VectorType(kind, _VECTOR_BYTES // size).as_pointer()
        target, origin = (
            builder.bitcast(
                builder.gep(_data(context, builder, signature, args, i), [args[i + 1]]), pointer
            )
            for i in (0, 2)
        )
        _store_past_cache(builder, builder.load(origin, align=size), target)
        return context.get_dummy_value()

    return signature, emit


@intrinsic
def past_line(_context: Any, data: Any, first: Any):  # type: ignore[no-untyped-def]
    """By how many bytes `data[first]` is past a multiple of 64."""
    signature = types.intp(data, types.intp)

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = builder.gep(_data(context, builder, signature, args, 0), [args[1]])
        word = context.get_value_type(types.intp)
        return builder.and_(builder.ptrtoint(at, word), ir.Constant(word, _VECTOR_BYTES - 1))

    return signature, emit


@intrinsic
def pointer(_context: Any, data: Any):  # type: ignore[no-untyped-def]
    """Where an array's memory is: one word to hand on, and no reference to count.

    Threads that count references to one array wait for each other. The caller of the
    compiled function must hold `data`.
    """
    signature = types.CPointer(data.dtype)(data)

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _data(context, builder, signature, args, 0)

    return signature, emit


@intrinsic
def part(_context: Any, data: Any, first: Any):  # type: ignore[no-untyped-def]
    """Where `data[first]` is."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.gep(args[0], [args[1]])

    return data(data, types.intp), emit


@intrinsic
def item_size(_context: Any, data: Any):  # type: ignore[no-untyped-def]
    """Bytes of what is pointed to."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        size = context.get_abi_sizeof(context.get_data_type(data.dtype))
        return context.get_constant(types.intp, size)

    return types.intp(data), emit


@intrinsic
def prefetch(_context: Any, data: Any, index: Any):  # type: ignore[no-untyped-def]
    """Ask for `data[index]`, which may lie outside, before it is needed."""
    signature = types.void(data, types.intp)

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        at = builder.gep(_data(context, builder, signature, args, 0), [args[1]])
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        call = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        # The second cache: lines a power of two apart have little room in the first.
        read, near, data_cache = (ir.Constant(word, i) for i in (0, 2, 1))
        builder.call(call, [builder.bitcast(at, byte), read, near, data_cache])
        return context.get_dummy_value()

    return signature, emit


@intrinsic
def take(_context: Any, counter: Any):  # type: ignore[no-untyped-def]
    """`counter[0]` before it is raised by one, whichever thread asks."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        one = ir.Constant(ir.IntType(64), 1)
        memory = _data(context, builder, signature, args, 0)
        return builder.atomic_rmw("add", memory, one, "monotonic")

    return types.int64(counter), emit
