"""Gradients that may be used but not differentiated again."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def once(grads: Sequence[Tensor | None], inputs: Sequence[Tensor | None]) -> list[Tensor | None]:
    """`grads`, which raise if a second derivative goes through them.

    PyTorch's `once_differentiable` sees only that of the incoming gradient, and would take
    what else they depend on, the inputs, for constant.
    """
    live = [t for t in inputs if t is not None and t.requires_grad]
    if not torch.is_grad_enabled() or not live:
        return list(grads)
    return [None if grad is None else _Once.apply(grad, *live) for grad in grads]  # type: ignore[no-untyped-call]


class _Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, grad: Tensor, *inputs: Tensor) -> Tensor:
        return grad.view_as(grad)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> None:
        raise RuntimeError("scan: the gradient cannot be differentiated again")
