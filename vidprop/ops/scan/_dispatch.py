"""The tensor's device picks the backend; each is imported when first used."""

import torch
from torch import Tensor

from ._direction import Direction

_HALF = (torch.float16, torch.bfloat16)


def run_scan(
    x: Tensor, affinity: Tensor, direction: Direction, injection: Tensor | None, limit: bool
) -> Tensor:
    """`vidprop.ops.scan.scan` on tensors that fit together."""
    if x.is_cuda:
        from ._cuda import scan_cuda

        return scan_cuda(x, affinity, direction, injection, limit)
    from ._cpu import scan_cpu

    h = scan_cpu(_wide(x), _wide(affinity), direction, _wide_or_none(injection), limit)
    return h.to(x.dtype)


def run_propagate(
    x: Tensor,
    affinities: Tensor,
    injection: Tensor | None,
    mix: Tensor | None,
    limit: bool,
    recompute: bool,
) -> Tensor:
    """`vidprop.ops.scan.propagate` on tensors that fit together."""
    if x.is_cuda:
        from ._cuda import propagate_cuda

        return propagate_cuda(x, affinities, injection, mix, limit, recompute)
    from ._cpu import propagate_cpu

    share, weights = _wide_or_none(injection), _wide_or_none(mix)
    return propagate_cpu(_wide(x), _wide(affinities), share, weights, limit, recompute).to(x.dtype)


def _wide(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype in _HALF else tensor


def _wide_or_none(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else _wide(tensor)
