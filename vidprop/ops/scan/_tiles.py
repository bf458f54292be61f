"""Instructions that Numba has no word for: square transposes in registers, plain views, prefetch.

A scan along rows of memory has its lanes a row apart. Square tiles are transposed on the way
in and out, so that every loop over lanes is a loop over vectors.
"""

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

# Rounding may differ by a contraction; NaN and infinity keep their meaning.
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
inner = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)

_VECTOR_BYTES, _LARGEST_TILE = 64, 16


def tile_size(itemsize: int) -> int:
    """Rows and columns of a tile, for values of so many bytes."""
    return min(_LARGEST_TILE, _VECTOR_BYTES // itemsize)


def _tile_mover(adds: bool) -> Any:
    """An intrinsic: `to[j, i] = from[i, j]`, or `+=`, for one tile.

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
            mover = _mover(context, builder.module, kind, args[2].type, adds)
            builder.call(mover, [at[0], args[2], at[1], args[5]])
            return context.get_dummy_value()

        return signature, emit

    return move


def _mover(context: Any, module: Any, kind: Any, index: Any, adds: bool) -> Any:
    """A function of its own: the many callers would take long to compile with it inside."""
    name = f"vidprop_{'add' if adds else 'put'}_tile_{kind}"
    if name in module.globals:
        return module.globals[name]
    pointer = kind.as_pointer()
    shape = ir.FunctionType(ir.VoidType(), [pointer, index, pointer, index])
    function = ir.Function(module, shape, name)
    function.linkage = "linkonce_odr"
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block())
    size = context.get_abi_sizeof(kind)
    vector = ir.VectorType(kind, tile_size(size))
    source, s_pitch, to, t_pitch = function.args
    reads, writes = (
        _row_pointers(builder, vector, source, s_pitch),
        _row_pointers(builder, vector, to, t_pitch),
    )
    rows = _transposed(builder, [builder.load(at, align=size) for at in reads])
    for row, at in zip(rows, writes, strict=True):
        value = builder.fadd(row, builder.load(at, align=size)) if adds else row
        builder.store(value, at, align=size)
    builder.ret_void()
    return function


def _data(context: Any, builder: Any, signature: Any, args: Any, i: int) -> Any:
    return context.make_array(signature.args[i])(context, builder, args[i]).data


def _row_pointers(builder: Any, vector: Any, first: Any, pitch: Any) -> list[Any]:
    offsets = [builder.mul(pitch, ir.Constant(pitch.type, i)) for i in range(vector.count)]
    return [builder.bitcast(builder.gep(first, [at]), vector.as_pointer()) for at in offsets]


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


put_tile, add_tile = _tile_mover(adds=False), _tile_mover(adds=True)


@intrinsic
def part(_context: Any, data: Any, first: Any, count: Any):  # type: ignore[no-untyped-def]
    """`data[first : first + count]` without a reference count, which costs more than a line.

    The caller of the compiled function must hold `data`.
    """
    view = types.Array(data.dtype, 1, "C")
    signature = view(data, types.intp, types.intp)

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        size = context.get_abi_sizeof(context.get_data_type(view.dtype))
        item = context.get_constant(types.intp, size)
        out = context.make_array(view)(context, builder)
        at = builder.gep(_data(context, builder, signature, args, 0), [args[1]])
        populate_array(out, data=at, shape=[args[2]], strides=[item], itemsize=item, meminfo=None)
        return out._getvalue()

    return signature, emit


@intrinsic
def prefetch(_context: Any, data: Any, index: Any):  # type: ignore[no-untyped-def]
    """Ask for `data[index]`, which may lie outside, before it is needed."""
    signature = types.void(data, types.intp)

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        at = builder.gep(_data(context, builder, signature, args, 0), [args[1]])
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        call = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        read, near, data_cache = (ir.Constant(word, i) for i in (0, 3, 1))
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
