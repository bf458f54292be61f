"""Loops over lanes, written as vectors.

LLVM leaves such loops scalar where too many lines might overlap, ten times as slow. Here they
never do, or only line by line: `to` may be one of `reads`.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_BYTES = 64
_FAST = ("contract",)


class Values:
    """One vector, or one value, of each line that is read; arithmetic on them."""

    def __init__(self, builder: Any, values: list[Any]) -> None:
        self._builder, self._values = builder, values

    def __getitem__(self, i: int) -> Any:
        return self._values[i]

    def add(self, *terms: Any) -> Any:
        total = terms[0]
        for term in terms[1:]:
            total = self._builder.fadd(total, term, flags=_FAST)
        return total

    def less(self, a: Any, b: Any) -> Any:
        return self._builder.fsub(a, b, flags=_FAST)

    def times(self, a: Any, b: Any) -> Any:
        return self._builder.fmul(a, b, flags=_FAST)

    def one(self) -> Any:
        kind = self._values[0].type
        if isinstance(kind, ir.VectorType):
            return ir.Constant(kind, [1.0] * kind.count)
        return ir.Constant(kind, 1.0)


def loop(expression: Callable[[Values], Any]) -> Any:
    """An instruction `(to, reads, count)`: `to[k] = expression(reads[0][k], reads[1][k], ...)`."""

    @intrinsic
    def run(_context: Any, to: Any, reads: Any, count: Any):  # type: ignore[no-untyped-def]
        signature = types.void(to, reads, types.intp)

        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = context.get_data_type(to.dtype)
            size = context.get_abi_sizeof(kind)
            lines = [args[0], *cgutils.unpack_tuple(builder, args[1], reads.count)]
            array = context.make_array(to)
            data = [array(context, builder, one).data for one in lines]
            width = _BYTES // size
            step = ir.Constant(args[2].type, width)
            whole = builder.udiv(args[2], step)
            with cgutils.for_range(builder, whole) as at:
                _line(builder, data, builder.mul(at.index, step), ir.VectorType(kind, width), size)
            done = builder.mul(whole, step)
            with cgutils.for_range(builder, builder.sub(args[2], done)) as at:
                _line(builder, data, builder.add(done, at.index), kind, size)
            return context.get_dummy_value()

        return signature, emit

    def _line(builder: Any, data: list[Any], k: Any, kind: Any, size: int) -> None:
        places = [builder.bitcast(builder.gep(one, [k]), kind.as_pointer()) for one in data]
        read = Values(builder, [builder.load(at, align=size) for at in places[1:]])
        builder.store(expression(read), places[0], align=size)

    return run


# reads: x, p0, p1, p2, the line before from a lane before, at the lane, from a lane after
advance = loop(
    lambda v: v.add(
        v.times(v.less(v.one(), v.add(v[1], v[2], v[3])), v[0]),
        v.times(v[1], v[4]),
        v.times(v[2], v[5]),
        v.times(v[3], v[6]),
    )
)
# reads: x, p0, p1, p2, the three of the line before, injection
advance_given = loop(
    lambda v: v.add(
        v.times(v[7], v[0]), v.times(v[1], v[4]), v.times(v[2], v[5]), v.times(v[3], v[6])
    )
)
# reads: to, three affinities, three of the line ahead
retreat = loop(lambda v: v.add(v[0], v.times(v[1], v[4]), v.times(v[2], v[5]), v.times(v[3], v[6])))
# reads: adjoint, p0, p1, p2; and `to`
remain = loop(lambda v: v.times(v.less(v.one(), v.add(v[1], v[2], v[3])), v[0]))
remain_more = loop(lambda v: v.add(v[4], v.times(v.less(v.one(), v.add(v[1], v[2], v[3])), v[0])))
# reads: a, b; and `to`
multiply = loop(lambda v: v.times(v[0], v[1]))
multiply_more = loop(lambda v: v.add(v[2], v.times(v[0], v[1])))
# reads: adjoint, the line before, x; and `to`
differ = loop(lambda v: v.times(v[0], v.less(v[1], v[2])))
differ_more = loop(lambda v: v.add(v[3], v.times(v[0], v.less(v[1], v[2]))))
