"""Operations on `count` neighbouring pixels in flat arrays, for Numba to call.

A pixel's channels are one vector that stays in a register, where Numba's own loops begin anew
at every pixel. Their number is the length of the tuple `like`, which is known when compiled.
Every index is that of a first element.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_FAST = ("contract", "reassoc", "nsz")


def _emit_similarities(b: "_Body") -> None:
    query = b.load(b.at(0, b.args[1]))
    with b.neighbours(4) as i:
        product = b.builder.fmul(query, b.load(b.at(2, b.stepped(b.args[3], i))), flags=_FAST)
        b.builder.store(b.total(product), b.scalar_at(5, b.builder.add(b.args[6], i)))


def _emit_mix(b: "_Body") -> None:
    out = b.at(5, b.args[6])
    total = cgutils.alloca_once_value(b.builder, b.load(out))
    with b.neighbours(4) as i:
        weight = b.spread(b.builder.load(b.scalar_at(0, b.builder.add(b.args[1], i))))
        value = b.load(b.at(2, b.stepped(b.args[3], i)))
        added = b.builder.fmul(weight, value, flags=_FAST)
        b.builder.store(b.builder.fadd(b.builder.load(total), added, flags=_FAST), total)
    b.store(b.builder.load(total), out)


def _emit_spread(b: "_Body") -> None:
    vector = b.load(b.at(2, b.args[3]))
    with b.neighbours(6) as i:
        weight = b.spread(b.builder.load(b.scalar_at(0, b.builder.add(b.args[1], i))))
        to = b.at(4, b.stepped(b.args[5], i))
        added = b.builder.fmul(weight, vector, flags=_FAST)
        b.store(b.builder.fadd(b.load(to), added, flags=_FAST), to)


class _Body:
    """What the emitters share: pointers into flat arrays, vectors of a pixel's channels."""

    def __init__(self, context: Any, builder: Any, signature: Any, args: Any, channels: int):
        self.builder, self.args, self._channels = builder, args, channels
        self._context, self._signature = context, signature
        self._scalar = context.get_data_type(signature.args[0].dtype)
        self._vector = ir.VectorType(self._scalar, channels)
        self._size = context.get_abi_sizeof(self._scalar)

    def scalar_at(self, array: int, index: Any) -> Any:
        made = self._context.make_array(self._signature.args[array])
        data = made(self._context, self.builder, self.args[array]).data
        return self.builder.gep(data, [index])

    def at(self, array: int, index: Any) -> Any:
        return self.builder.bitcast(self.scalar_at(array, index), self._vector.as_pointer())

    def stepped(self, first: Any, i: Any) -> Any:
        step = self.builder.mul(i, ir.Constant(i.type, self._channels))
        return self.builder.add(first, step)

    def load(self, pointer: Any) -> Any:
        return self.builder.load(pointer, align=self._size)

    def store(self, value: Any, pointer: Any) -> None:
        self.builder.store(value, pointer, align=self._size)

    def spread(self, scalar: Any) -> Any:
        lone = self.builder.insert_element(
            ir.Constant(self._vector, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0)
        )
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self._channels), None)
        return self.builder.shuffle_vector(lone, lone, zeros)

    def total(self, vector: Any) -> Any:
        kind = ir.FunctionType(self._scalar, [self._scalar, self._vector])
        name = f"llvm.vector.reduce.fadd.v{self._channels}f{8 * self._size}"
        function = cgutils.get_or_insert_function(self.builder.module, kind, name)
        zero = ir.Constant(self._scalar, -0.0)
        return self.builder.call(function, [zero, vector], fastmath=_FAST)

    def neighbours(self, count: int) -> Any:
        return _Index(cgutils.for_range(self.builder, self.args[count]))


class _Index:
    """The index of a loop, as what `with` binds."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop

    def __enter__(self) -> Any:
        return self._loop.__enter__().index

    def __exit__(self, *error: Any) -> Any:
        return self._loop.__exit__(*error)


def _instruction(emit_body: Callable[[_Body], None]) -> Any:
    @intrinsic
    def instruction(  # type: ignore[no-untyped-def]
        _context: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, like: Any
    ):
        given = (a, b, c, d, e, f, g)
        kinds = [x if isinstance(x, types.Array) else types.intp for x in given]
        signature = types.void(*kinds, like)

        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            emit_body(_Body(context, builder, signature, args, like.count))
            return context.get_dummy_value()

        return signature, emit

    return instruction


# (query, q, key, k, count, out, o, like): out[o + i] = query . key of neighbour i
similarities = _instruction(_emit_similarities)
# (weights, a, value, v, count, out, o, like): out += weights[a + i] * value of neighbour i
mix = _instruction(_emit_mix)
# (weights, a, vector, q, to, t, count, like): to of neighbour i += weights[a + i] * vector
spread = _instruction(_emit_spread)
