"""Windowed match: soft attention from every pixel to a window of a reference frame."""

from torch import Tensor

from vidprop.errors import InputError
from vidprop.ops.match._reference import match_reference

__all__ = ["match", "match_reference"]


def match(
    query: Tensor, key: Tensor, value: Tensor, centre: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor]:
    """Average `value` over a window of the reference, weighted by feature similarity.

    With c the `centre` of pixel x, d running over the (2 r + 1)^2 offsets in row order,

        s_d = <query[x], key[c + d]> + bias[d],      a = softmax_d(s),
        out[x] = sum_d a_d * value[c + d],           score[x] = log sum_d exp(s_d)

    where positions outside the reference take no part. Where a whole window lies
    outside, out is 0 and score is -1e4.

    Args:
        query: [N, H, W, F], channels last; scale it before the call.
        key: [N, h, w, F], the features of the reference frame.
        value: [N, h, w, V], what is carried.
        centre: [N, H, W, 2] int32, (column, row) in the reference.
        bias: [(2 r + 1)^2], added to every window's similarities.
    Returns:
        out [N, H, W, V] and score [N, H, W], in `query`'s dtype; differentiable in
        query, key, value and bias.
    On CUDA: float32, float16 or bfloat16, computed in float32; differentiable once.

    Raises:
        InputError: a shape or dtype does not fit.
        BackendError: CUDA tensors without CuPy.
    """
    _check(query, key, value, centre, bias)
    if query.device.type == "cpu":
        from vidprop.ops.match._cpu import Match

        out, score = Match.apply(query, key, value, centre, bias)  # type: ignore[no-untyped-call]
        return out, score
    if query.is_cuda:
        from vidprop.ops.match._cuda import match_cuda

        return match_cuda(query, key, value, centre, bias)
    return match_reference(query, key, value, centre, bias)


def _check(query: Tensor, key: Tensor, value: Tensor, centre: Tensor, bias: Tensor) -> None:
    if query.ndim != 4 or key.ndim != 4 or query.shape[3] != key.shape[3]:
        raise InputError(
            "query and key must be [N, H, W, F] and [N, h, w, F], "
            f"not {list(query.shape)} and {list(key.shape)}"
        )
    if value.shape[:3] != key.shape[:3]:
        raise InputError(f"value must be [N, h, w, V] like key, not {list(value.shape)}")
    if centre.shape != (*query.shape[:3], 2) or key.shape[0] != query.shape[0]:
        raise InputError(f"centre must be [N, H, W, 2] like query, not {list(centre.shape)}")
    side = round(bias.numel() ** 0.5)
    if bias.ndim != 1 or side * side != bias.numel() or side % 2 == 0:
        raise InputError(f"bias must have (2 r + 1)^2 entries, not {list(bias.shape)}")
    dtypes = {query.dtype, key.dtype, value.dtype, bias.dtype}
    if len(dtypes) > 1:
        raise InputError(f"query, key, value and bias must share a dtype, not {dtypes}")
