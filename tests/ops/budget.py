"""The one tolerance of the scan's tests, and what it is measured on.

max|kernel - exact| <= 4 * max|reference in single precision - exact| + 4 * eps * max|exact|,
where exact is the reference in float64 and eps that of the kernel's dtype.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

Function: TypeAlias = Callable[..., Tensor]


def assert_within_budget(
    ours: Function, reference: Function, tensors: Sequence[Tensor], weights: Tensor
) -> None:
    """Compare the value of `ours(*tensors)` and every gradient with the reference's.

    Args:
        tensors: in the dtype and on the device under test.
        weights: the gradient of the value.
    """
    got = outcome(ours, tensors, weights)
    near = outcome(reference, [t.cpu().to(_single(t)) for t in tensors], weights.cpu())
    exact = outcome(reference, [t.cpu().double() for t in tensors], weights.cpu())
    for i, (value, close, true) in enumerate(zip(got, near, exact, strict=True)):
        error, size = _largest(value.cpu().double() - true), _largest(true)
        allowed = 4 * _largest(close.double() - true) + 4 * torch.finfo(value.dtype).eps * size
        what = f"gradient {i - 1}" if i else "value"
        assert error <= allowed, f"{what}: off by {error:.3g}, {allowed:.3g} allowed"


def outcome(function: Function, tensors: Sequence[Tensor], weights: Tensor) -> list[Tensor]:
    """The value, and the gradient of every tensor."""
    leaves = [t.detach().requires_grad_() for t in tensors]
    value = function(*leaves)
    gradients = torch.autograd.grad(value, leaves, weights.to(value), materialize_grads=True)
    return [value.detach(), *gradients]


def _single(tensor: Tensor) -> torch.dtype:
    return torch.float64 if tensor.dtype == torch.float64 else torch.float32


def _largest(tensor: Tensor) -> float:
    return float(tensor.abs().max()) if tensor.numel() else 0.0
