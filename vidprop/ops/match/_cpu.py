"""The windowed match on the CPU: Numba, one pass over the pixels, nothing gathered.

Channels last, so that a similarity is one contiguous dot product. The backward pass
scatters into the reference's gradient, so it is parallel over strips of images only
where they own their gradient: each thread owns whole images.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numba import njit, types
from numba.extending import overload
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from vidprop.ops.match._reference import OUTSIDE
from vidprop.ops.scan._pool import on_threads, thread_count

Array = NDArray[Any]
_FAST = {"contract", "reassoc", "nsz", "arcp", "afn"}


def _exp(x: Any) -> Any:
    """e^x for x <= 88: in float32 a polynomial that vectorises, 1 ulp from the library's."""
    raise NotImplementedError("compiled code only")


@overload(_exp, inline="always")
def _overload_exp(x):  # type: ignore[no-untyped-def]
    if x != types.float32:
        return lambda x: np.exp(x)

    def exp32(x):  # type: ignore[no-untyped-def]
        x = max(x, np.float32(-87.0))
        n = np.floor(x * np.float32(1.4426950408889634) + np.float32(0.5))
        r = x - n * np.float32(0.693359375) - n * np.float32(-2.12194440e-4)
        p = np.float32(1.9875691500e-4)
        p = p * r + np.float32(1.3981999507e-3)
        p = p * r + np.float32(8.3334519073e-3)
        p = p * r + np.float32(4.1665795894e-2)
        p = p * r + np.float32(1.6666665459e-1)
        p = p * r + np.float32(5.0000001201e-1)
        p = p * r * r + r + np.float32(1.0)
        power = np.int32((np.int32(n) + np.int32(127)) << np.int32(23))
        return p * power.view(np.float32)

    return exp32


@njit(fastmath=_FAST, cache=True, inline="always")
def _similarity(query: Array, key: Array) -> float:
    total = query.dtype.type(0.0)
    for f in range(query.shape[0]):
        total += query[f] * key[f]
    return total


@njit(nogil=True, fastmath=_FAST, cache=True)
def _forward(start, stop, query, key, value, centre, bias, radius, out, score):  # type: ignore[no-untyped-def]
    height, width = query.shape[1:3]
    h, w = key.shape[1], key.shape[2]
    side = 2 * radius + 1
    for line in range(start, stop):
        n, y = line // height, line % height
        s = np.empty(side * side, query.dtype)
        for x in range(width):
            cx, cy = centre[n, y, x, 0], centre[n, y, x, 1]
            y0, y1 = max(cy - radius, 0), min(cy + radius + 1, h)
            x0, x1 = max(cx - radius, 0), min(cx + radius + 1, w)
            out[n, y, x] = 0.0
            if y0 >= y1 or x0 >= x1:
                score[n, y, x] = OUTSIDE
                continue
            top = query.dtype.type(-np.inf)
            count = 0
            for ky in range(y0, y1):
                b = (ky - cy + radius) * side - cx + radius
                for kx in range(x0, x1):
                    s[count] = _similarity(query[n, y, x], key[n, ky, kx]) + bias[b + kx]
                    top = max(top, s[count])
                    count += 1
            total = query.dtype.type(0.0)
            for i in range(count):
                s[i] = _exp(s[i] - top)
                total += s[i]
            i = 0
            for ky in range(y0, y1):
                for kx in range(x0, x1):
                    a = s[i] / total
                    for v in range(value.shape[3]):
                        out[n, y, x, v] += a * value[n, ky, kx, v]
                    i += 1
            score[n, y, x] = top + np.log(total)


@njit(nogil=True, fastmath=_FAST, cache=True)
def _backward(  # type: ignore[no-untyped-def]
    start, stop, query, key, value, centre, bias, radius, out, score, d_out, d_score,
    d_query, d_key, d_value, d_bias,
):  # fmt: skip
    height, width, features = query.shape[1:]
    h, w = key.shape[1], key.shape[2]
    side = 2 * radius + 1
    for n in range(start, stop):
        for y in range(height):
            for x in range(width):
                cx, cy = centre[n, y, x, 0], centre[n, y, x, 1]
                along = query.dtype.type(0.0)
                for v in range(value.shape[3]):
                    along += d_out[n, y, x, v] * out[n, y, x, v]
                offset = d_score[n, y, x] - along
                lse = score[n, y, x]
                q, dq = query[n, y, x], d_query[n, y, x]
                for ky in range(max(cy - radius, 0), min(cy + radius + 1, h)):
                    b = (ky - cy + radius) * side - cx + radius
                    for kx in range(max(cx - radius, 0), min(cx + radius + 1, w)):
                        k, dk = key[n, ky, kx], d_key[n, ky, kx]
                        a = _exp(_similarity(q, k) + bias[b + kx] - lse)
                        g = offset
                        for v in range(value.shape[3]):
                            g += d_out[n, y, x, v] * value[n, ky, kx, v]
                            d_value[n, ky, kx, v] += a * d_out[n, y, x, v]
                        g *= a
                        d_bias[n, b + kx] += g
                        for f in range(features):
                            dq[f] += g * k[f]
                            dk[f] += g * q[f]


class Match(torch.autograd.Function):
    """`match` on CPU tensors; first-order gradients."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, centre: Tensor, bias: Tensor
    ) -> tuple[Tensor, Tensor]:
        tensors = [t.detach().contiguous() for t in (query, key, value, centre, bias)]
        out = torch.full((*query.shape[:3], value.shape[3]), torch.nan, dtype=query.dtype)
        score = torch.full(query.shape[:3], torch.nan, dtype=query.dtype)
        given = (*(t.numpy() for t in tensors), _radius(bias), out.numpy(), score.numpy())
        _share(query.shape[0] * query.shape[1], lambda *lines: _forward(*lines, *given))
        ctx.save_for_backward(*tensors, out, score)
        return out, score

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_out: Tensor, d_score: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, centre, bias, out, score = ctx.saved_tensors
        d_query, d_key = torch.zeros_like(query), torch.zeros_like(key)
        d_value = torch.zeros_like(value)
        d_bias = query.new_zeros(query.shape[0], bias.numel())
        given = (query, key, value, centre, bias)
        made = (out, score, d_out.contiguous(), d_score.contiguous())
        grads = (d_query, d_key, d_value, d_bias)
        arrays = (
            *(t.numpy() for t in given),
            _radius(bias),
            *(t.numpy() for t in (*made, *grads)),
        )
        _share(query.shape[0], lambda *images: _backward(*images, *arrays))
        return d_query, d_key, d_value, None, d_bias.sum(0)


def _radius(bias: Tensor) -> int:
    return round(bias.numel() ** 0.5) // 2


def _share(total: int, run: Callable[[int, int], None]) -> None:
    """Call `run(start, stop)` over all of `total`, a few pieces for each thread."""
    threads = max(1, min(thread_count(), total))
    size = max(1, -(-total // (4 * threads)))
    starts = iter(range(0, total, size))

    def work() -> None:
        # The interpreter's lock hands every start out once.
        while (start := next(starts, None)) is not None:
            run(start, min(start + size, total))

    on_threads(threads, work)
