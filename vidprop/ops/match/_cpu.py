"""The windowed match on the CPU: Numba, one pass over the pixels, nothing gathered.

Channels last, so that a similarity is one contiguous dot product. The backward pass
scatters into the reference's gradient, so it is parallel over strips of images only
where they own their gradient: each thread owns whole images.

Compiled code is kept on disk. Numba looks for changes in this file alone: touch it after
changing `_rows`.
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
from vidprop.ops.match._rows import mix, similarities, spread
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


@njit(nogil=True, fastmath=_FAST, cache=True)
def _forward(start, stop, sizes, likes, query, key, value, centre, bias, radius, out, score):  # type: ignore[no-untyped-def]
    height, width, h, w = sizes
    features, values = len(likes[0]), len(likes[1])
    side = 2 * radius + 1
    s = np.empty(side * side, query.dtype)
    for line in range(start, stop):
        image = line // height * h * w
        for pixel in range(line * width, (line + 1) * width):
            cx, cy = centre[2 * pixel], centre[2 * pixel + 1]
            y0, y1 = max(cy - radius, 0), min(cy + radius + 1, h)
            x0, x1 = max(cx - radius, 0), min(cx + radius + 1, w)
            for v in range(values):
                out[pixel * values + v] = 0.0
            if y0 >= y1 or x0 >= x1:
                score[pixel] = OUTSIDE
                continue
            row = x1 - x0
            count = row * (y1 - y0)
            for ky in range(y0, y1):
                at, i = image + ky * w + x0, (ky - y0) * row
                b = (ky - cy + radius) * side - cx + radius + x0
                similarities(query, pixel * features, key, at * features, row, s, i, likes[0])
                for k in range(row):
                    s[i + k] += bias[b + k]
            top = s[0]
            for i in range(1, count):
                top = max(top, s[i])
            total = query.dtype.type(0.0)
            for i in range(count):
                s[i] = _exp(s[i] - top)
                total += s[i]
            for ky in range(y0, y1):
                at, i = image + ky * w + x0, (ky - y0) * row
                mix(s, i, value, at * values, row, out, pixel * values, likes[1])
            for v in range(values):
                out[pixel * values + v] /= total
            score[pixel] = top + np.log(total)


@njit(nogil=True, fastmath=_FAST, cache=True)
def _backward(  # type: ignore[no-untyped-def]
    start, stop, sizes, likes, query, key, value, centre, bias, radius, out, score, d_out, d_score,
    d_query, d_key, d_value, d_bias,
):  # fmt: skip
    height, width, h, w = sizes
    features, values = len(likes[0]), len(likes[1])
    side = 2 * radius + 1
    a, g = np.empty(side, query.dtype), np.empty(side, query.dtype)
    for pixel in range(start * height * width, stop * height * width):
        n = pixel // (height * width)
        image = n * h * w
        cx, cy = centre[2 * pixel], centre[2 * pixel + 1]
        x0, x1 = max(cx - radius, 0), min(cx + radius + 1, w)
        row = x1 - x0
        if row <= 0:
            continue
        offset, q, o = d_score[pixel], pixel * features, pixel * values
        for v in range(values):
            offset -= d_out[o + v] * out[o + v]
        for ky in range(max(cy - radius, 0), min(cy + radius + 1, h)):
            at = image + ky * w + x0
            b = (ky - cy + radius) * side - cx + radius + x0
            similarities(query, q, key, at * features, row, a, 0, likes[0])
            similarities(d_out, o, value, at * values, row, g, 0, likes[1])
            for k in range(row):
                a[k] = _exp(a[k] + bias[b + k] - score[pixel])
                g[k] = a[k] * (g[k] + offset)
                d_bias[n * side * side + b + k] += g[k]
            spread(a, 0, d_out, o, d_value, at * values, row, likes[1])
            mix(g, 0, key, at * features, row, d_query, q, likes[0])
            spread(g, 0, query, q, d_key, at * features, row, likes[0])


class Match(torch.autograd.Function):
    """`match` on CPU tensors; first-order gradients."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, centre: Tensor, bias: Tensor
    ) -> tuple[Tensor, Tensor]:
        tensors = [t.detach().contiguous() for t in (query, key, value, centre, bias)]
        out = torch.full((*query.shape[:3], value.shape[3]), torch.nan, dtype=query.dtype)
        score = torch.full(query.shape[:3], torch.nan, dtype=query.dtype)
        given = (*map(_flat, tensors), _radius(bias), _flat(out), _flat(score))
        known = _known(query, key, value)
        _share(query.shape[0] * query.shape[1], lambda *lines: _forward(*lines, *known, *given))
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
        arrays = (*map(_flat, given), _radius(bias), *map(_flat, (*made, *grads)))
        known = _known(query, key, value)
        _share(query.shape[0], lambda *images: _backward(*images, *known, *arrays))
        return d_query, d_key, d_value, None, d_bias.sum(0)


def _known(query: Tensor, key: Tensor, value: Tensor) -> tuple[tuple[int, ...], Any]:
    """Sizes of the images, and a tuple of zeros as long as each vector, for its length."""
    return (*query.shape[1:3], *key.shape[1:3]), ((0,) * query.shape[3], (0,) * value.shape[3])


def _flat(tensor: Tensor) -> Array:
    return tensor.view(-1).numpy()


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
