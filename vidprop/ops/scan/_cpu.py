"""The scan on the CPU: autograd around compiled code, for float32 and float64."""

from typing import Any

import torch
from torch import Tensor

from ._direction import Direction
from ._launch import run_backward, run_forward
from ._memory import empty
from ._merge import LARGEST, SINGLE, WEIGHTED
from ._once import once
from ._problem import Inputs, Kept, Plan


@torch.compiler.disable
def scan_cpu(
    x: Tensor, affinity: Tensor, direction: Direction, injection: Tensor | None, limit: bool
) -> Tensor:
    """`vidprop.ops.scan.scan` for float32 and float64."""
    plan = Plan((direction,), SINGLE, limit, False, _keeps(x, affinity, injection))
    share = None if injection is None else injection.unsqueeze(1)
    return _Scans.apply(x, affinity.unsqueeze(1), share, None, plan)  # type: ignore[no-untyped-call]


@torch.compiler.disable
def propagate_cpu(
    x: Tensor,
    affinities: Tensor,
    injection: Tensor | None,
    mix: Tensor | None,
    limit: bool,
    recompute: bool,
) -> Tensor:
    """`vidprop.ops.scan.propagate` for float32 and float64."""
    mode = LARGEST if mix is None else WEIGHTED
    keeps = _keeps(x, affinities, injection, mix)
    plan = Plan(tuple(Direction), mode, limit, recompute, keeps)
    return _Scans.apply(x, affinities, injection, mix, plan)  # type: ignore[no-untyped-call]


def _keeps(*tensors: Tensor | None) -> bool:
    """Whether there will be a backward pass to keep anything for."""
    return torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)


class _Scans(torch.autograd.Function):
    """x [N, C, H, W], affinities [N, D, G, K, H, W], injection, mix -> [N, C, H, W]."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, p: Tensor, injection: Tensor | None, mix: Tensor | None, plan: Plan
    ) -> Tensor:
        kept = Kept.room(x, plan)
        if x.numel():
            run_forward(Inputs(x, p, injection, mix), plan, kept)
        ctx.plan = plan
        ctx.addresses = [_address(t) for t in (kept.out, kept.scans)]
        ctx.save_for_backward(x, p, injection, mix, kept.out, kept.scans, kept.winner)
        return kept.out

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, p, injection, mix, *scanned, winner = ctx.saved_tensors
        given, wants = Inputs(x, p, injection, mix), ctx.needs_input_grad[:4]
        if not x.numel():
            return *(_zeros(t, w) for t, w in zip(given.all(), wants, strict=True)), None
        with torch.no_grad():
            out, scans = map(_ours, scanned, ctx.addresses)
            grads = run_backward(g, given, ctx.plan, Kept(out, scans, winner), wants)
        return *once(grads, (g, *given.all())), None


def _address(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.data_ptr()


def _ours(tensor: Tensor | None, address: int) -> Any:
    """A copy with room beside it, which is read, of what a hook has put in a saved one's place."""
    if tensor is None or tensor.data_ptr() == address:
        return tensor
    return empty(tensor.shape, tensor.dtype).copy_(tensor)


def _zeros(tensor: Tensor | None, wanted: bool) -> Tensor | None:
    return torch.zeros_like(tensor) if wanted and tensor is not None else None
