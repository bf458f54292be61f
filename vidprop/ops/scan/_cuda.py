"""The scan on CUDA, as functions that autograd knows; the contract is in `vidprop.ops.scan`."""

from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from . import _cuda_launch
from ._cuda_percolumn import percolumn_backward, percolumn_forward
from ._direction import Direction

__all__ = ["percolumn_backward", "percolumn_forward", "propagate_cuda", "scan_cuda"]

Gradients: TypeAlias = tuple[Tensor | None, ...]


@torch.compiler.disable
def scan_cuda(
    x: Tensor, affinity: Tensor, direction: Direction, injection: Tensor | None, limit: bool
) -> Tensor:
    """`vidprop.ops.scan.scan`."""
    share = None if injection is None else injection.unsqueeze(1)
    arguments = (x, affinity.unsqueeze(1), share, direction.value, limit)
    return _Scan.apply(*arguments)  # type: ignore[no-untyped-call]


@torch.compiler.disable
def propagate_cuda(
    x: Tensor,
    affinities: Tensor,
    injection: Tensor | None,
    mix: Tensor | None,
    limit: bool,
    recompute: bool,
) -> Tensor:
    """`vidprop.ops.scan.propagate`, its four scans in one launch."""
    arguments = (x, affinities, injection, mix, limit, recompute)
    return _Propagate.apply(*arguments)  # type: ignore[no-untyped-call]


class _Scan(Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, affinity: Tensor, injection: Tensor | None, first: int, limit: bool
    ) -> Tensor:
        h = _cuda_launch.forward(x, affinity, injection, first, limit)
        ctx.save_for_backward(x, affinity, injection, h)
        ctx.first, ctx.limit = first, limit
        return h[:, 0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Gradients:
        x, affinity, injection, h = ctx.saved_tensors
        grads = _cuda_launch.backward(
            x, affinity, injection, h, _rows(grad).unsqueeze(1), ctx.first, ctx.limit
        )
        return *grads, None, None


class _Propagate(Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        affinities: Tensor,
        injection: Tensor | None,
        mix: Tensor | None,
        limit: bool,
        recompute: bool,
    ) -> Tensor:
        h = _cuda_launch.forward(x, affinities, injection, 0, limit)
        out, came_from = _cuda_launch.integrate(h, mix)
        kept = None if recompute else h
        ctx.save_for_backward(x, affinities, injection, mix, came_from, kept)
        ctx.limit = limit
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Gradients:
        x, affinities, injection, mix, came_from, h = ctx.saved_tensors
        if h is None:
            h = _cuda_launch.forward(x, affinities, injection, 0, ctx.limit)
        grad_h, grad_mix = _cuda_launch.integrate_backward(_rows(grad), h, mix, came_from)
        grads = _cuda_launch.backward(x, affinities, injection, h, grad_h, 0, ctx.limit)
        return *grads, grad_mix, None, None


def _rows(grad: Tensor) -> Tensor:
    """A gradient whose rows can be read at speed; that of a sum is one value for all pixels."""
    return grad if grad.stride(-1) == 1 else grad.contiguous()
