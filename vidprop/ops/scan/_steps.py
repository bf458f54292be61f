"""What a scan and its adjoint do to the lanes of one line."""

from typing import Any

from ._loops import Values, loop

# A line's neighbours are read from a lane before, at the lane, and from a lane after.


def _carried(v: Values, p: int, h: int) -> Any:
    """The affinities from `p` on times the line before from `h` on."""
    return v.add(
        v.but_first(v.times(v[p], v[h])),
        v.times(v[p + 1], v[h + 1]),
        v.but_last(v.times(v[p + 2], v[h + 2])),
    )


# reads: x, three affinities, three of the line before; and injection
advance = loop(lambda v: (v.add(v.times(v.rest(v[1], v[2], v[3]), v[0]), _carried(v, 1, 4)),))
advance_given = loop(lambda v: (v.add(v.times(v[7], v[0]), _carried(v, 1, 4)),))


def _largest(v: Values) -> Any:
    return v.where(v.beats(v[1], v[0]), v[1], v[0])


# reads: the best so far, h; and whose the best is, whose h is
maximum = loop(lambda v: (_largest(v),))
name_maximum = loop(lambda v: (_largest(v), v.where(v.beats(v[1], v[0]), v[3], v[2])))


def _handed(v: Values) -> Any:
    """The first three that are read: for the lane before, the lane, the lane after."""
    return v.add(v[0], v[1], v[2])


# reads: what lane k+1, k, k-1 hand back; g; and the weight, or the winner and the direction
receive = loop(lambda v: (v.add(v[3], _handed(v)),))
receive_weighted = loop(lambda v: (v.add(v.times(v[3], v[4]), _handed(v)),))
receive_won = loop(lambda v: (v.add(v.where(v.equal(v[4], v[5]), v[3], v.zero(v[3])), _handed(v)),))


def _back(v: Values) -> tuple[Any, ...]:
    """What the neighbours of the line before get of the adjoint."""
    return v.but_first(v.times(v[1], v[0])), v.times(v[2], v[0]), v.but_last(v.times(v[3], v[0]))


def _kept(v: Values) -> Any:
    return v.times(v.rest(v[1], v[2], v[3]), v[0])


# reads: the adjoint, three affinities; and the gradient of x
hand_back = loop(_back)
hand_back_and_keep = loop(lambda v: (*_back(v), _kept(v)))
hand_back_and_keep_more = loop(lambda v: (*_back(v), v.add(v[4], _kept(v))))


def _given(v: Values) -> tuple[Any, ...]:
    return v.but_first(v.times(v[0], v[1])), v.times(v[0], v[2]), v.but_last(v.times(v[0], v[3]))


def _left(v: Values, x: int) -> tuple[Any, ...]:
    """The gradient of affinities that leave one less their sum to x."""
    from_x = [v.times(v[0], v.less(v[i], v[x])) for i in (1, 2, 3)]
    return v.but_first(from_x[0]), from_x[1], v.but_last(from_x[2])


def _added(v: Values, made: tuple[Any, ...], first: int) -> tuple[Any, ...]:
    return tuple(v.add(v[first + i], value) for i, value in enumerate(made))


# reads: the adjoint, three of the line before; x, where it got the rest; what is added to
correlate_given = loop(_given)
correlate_given_more = loop(lambda v: _added(v, _given(v), 4))
correlate = loop(lambda v: _left(v, 4))
correlate_more = loop(lambda v: _added(v, _left(v, 4), 5))


def _limited(v: Values) -> tuple[Any, ...]:
    p0, p1, p2 = v.but_first(v[0]), v[1], v.but_last(v[2])
    total = v.add(v.magnitude(p0), v.magnitude(p1), v.magnitude(p2))
    one = v.one(total)
    scale = v.where(v.larger(total, one), v.over(one, total), one)
    return v.times(p0, scale), v.times(p1, scale), v.times(p2, scale), scale


def _unlimited(v: Values) -> tuple[Any, ...]:
    grads, limited, scale = (v[0], v[1], v[2]), (v[3], v[4], v[5]), v[6]
    zero = v.zero(scale)
    along = v.add(*(v.times(g, p) for g, p in zip(grads, limited, strict=True)))
    along = v.where(v.larger(v.one(scale), scale), along, zero)
    against = v.less(zero, along)

    def one(g: Any, p: Any) -> Any:
        signed = v.where(v.larger(p, zero), along, v.where(v.larger(zero, p), against, zero))
        return v.times(scale, v.less(g, signed))

    return tuple(one(g, p) for g, p in zip(grads, limited, strict=True))


# reads: three affinities; writes those divided by the sum of their magnitudes if that is past 1,
# and what they were multiplied by
limit_sum = loop(_limited)
# reads: the gradients of three limited affinities, these, and what they were multiplied by
unlimit = loop(_unlimited)
