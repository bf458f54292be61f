"""Loops over lanes, written as vectors.

LLVM leaves such loops scalar where too many lines might overlap, ten times as slow. Here they
never do, or only line by line: what is written may be one of what is read.
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

    def __init__(self, builder: Any, values: list[Any], first: Any, last: Any) -> None:
        self._builder, self._values = builder, values
        self._first, self._last = first, last

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

    def zero(self, like: Any) -> Any:
        return ir.Constant(like.type, None)

    def rest(self, p0: Any, p1: Any, p2: Any) -> Any:
        """One less the affinities of the neighbours that there are."""
        return self.less(self.one(p0), self.add(self.but_first(p0), p1, self.but_last(p2)))

    def but_first(self, value: Any) -> Any:
        """0 in the first lane, which has no lane before it."""
        return self.where(self._first, self.zero(value), value)

    def but_last(self, value: Any) -> Any:
        """0 in the last lane, which has no lane after it."""
        return self.where(self._last, self.zero(value), value)

    def where(self, holds: Any, a: Any, b: Any) -> Any:
        return self._builder.select(holds, a, b)

    def magnitude(self, a: Any) -> Any:
        return self.where(self.larger(a, self.zero(a)), a, self.less(self.zero(a), a))

    def over(self, a: Any, b: Any) -> Any:
        return self._builder.fdiv(a, b, flags=_FAST)

    def one(self, like: Any) -> Any:
        return ir.Constant(like.type, _same(like.type, 1.0))

    def larger(self, a: Any, b: Any) -> Any:
        return self._builder.fcmp_ordered(">", a, b)

    def equal(self, a: Any, b: Any) -> Any:
        return self._builder.icmp_unsigned("==", a, b)

    def beats(self, value: Any, best: Any) -> Any:
        """Whether it is larger, or the first NaN."""
        nan = self._builder.fcmp_unordered("uno", value, value)
        number = self._builder.fcmp_ordered("ord", best, best)
        return self._builder.or_(self.larger(value, best), self._builder.and_(nan, number))


def loop(expressions: Callable[[Values], Any]) -> Any:
    """An instruction `(to, reads, count)`.

    For every lane k below `count`, `to[0][k], ... = expressions(reads[0][k], ...)`. What is read
    may also be one integer, the same for all lanes and of the kind of the lines of bytes.
    """

    @intrinsic
    def run(_context: Any, to: Any, reads: Any, count: Any):  # type: ignore[no-untyped-def]
        signature = types.void(to, reads, types.intp)

        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            targets = _lines(context, builder, to, args[0])
            sources = _lines(context, builder, reads, args[1])
            largest = max(size for _, _, size in targets + sources)
            step = ir.Constant(args[2].type, _BYTES // largest)
            whole = builder.udiv(args[2], step)
            done = builder.mul(whole, step)

            def line(k: Any, width: int) -> None:
                first, last = _ends(builder, k, args[2], width)
                read = [_read(builder, one, k, width) for one in sources]
                made = expressions(Values(builder, read, first, last))
                for value, (data, _, size) in zip(made, targets, strict=True):
                    at = builder.bitcast(builder.gep(data, [k]), value.type.as_pointer())
                    builder.store(value, at, align=size)

            with cgutils.for_range(builder, whole) as at:
                line(builder.mul(at.index, step), _BYTES // largest)
            with cgutils.for_range(builder, builder.sub(args[2], done)) as at:
                line(builder.add(done, at.index), 1)
            return context.get_dummy_value()

        return signature, emit

    return run


def _lines(context: Any, builder: Any, kinds: Any, args: Any) -> list[Any]:
    """Of each: where it is, or its value; what it is made of; and the size of that."""
    found = []
    for kind, one in zip(kinds, cgutils.unpack_tuple(builder, args, len(kinds)), strict=True):
        if isinstance(kind, types.CPointer):
            item = context.get_data_type(kind.dtype)
            found.append((one, item, context.get_abi_sizeof(item)))
        else:
            found.append((builder.trunc(one, ir.IntType(8)), None, 1))
    return found


def _read(builder: Any, source: Any, k: Any, width: int) -> Any:
    data, item, size = source
    if item is None:
        return _spread(builder, data, width)
    at = builder.gep(data, [k])
    if width > 1:
        at = builder.bitcast(at, ir.VectorType(item, width).as_pointer())
    return builder.load(at, align=size)


def _ends(builder: Any, k: Any, count: Any, width: int) -> tuple[Any, Any]:
    """Which lanes from k on are the first of all, and the last."""
    word = ir.IntType(32)
    lanes = _spread(builder, builder.trunc(k, word), width)
    end = _spread(builder, builder.sub(builder.trunc(count, word), ir.Constant(word, 1)), width)
    if width > 1:
        lanes = builder.add(lanes, ir.Constant(lanes.type, list(range(width))))
    zero = ir.Constant(lanes.type, None)
    return builder.icmp_signed("==", lanes, zero), builder.icmp_signed("==", lanes, end)


def _spread(builder: Any, value: Any, width: int) -> Any:
    """The value in all lanes of a vector."""
    if width == 1:
        return value
    one = ir.VectorType(value.type, 1)
    vector = builder.insert_element(ir.Constant(one, ir.Undefined), value, ir.IntType(32)(0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), width), [0] * width)
    return builder.shuffle_vector(vector, vector, mask)


def _same(kind: Any, value: float) -> Any:
    return [value] * kind.count if isinstance(kind, ir.VectorType) else value


move = loop(lambda v: (v[0],))
# reads: any line of the kind of what is written
vanish = loop(lambda v: (v.zero(v[0]),))
# reads: what is there, what is added
increase = loop(lambda v: (v.add(v[0], v[1]),))
# reads: a, b; and what is added to
multiply = loop(lambda v: (v.times(v[0], v[1]),))
multiply_more = loop(lambda v: (v.add(v[2], v.times(v[0], v[1])),))
