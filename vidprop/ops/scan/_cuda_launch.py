"""Plans to launches: owns grid, block, stream and the allocation of what kernels write."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidprop.errors import InputError
from vidprop.ops import _cupy
from vidprop.ops._cupy import Kernel

from ._cuda_arguments import INTEGRATE, SCAN, SCAN_DIMS, TYPES, near, vector, view
from ._cuda_plan import Plan, Problem, plan_scan

_MOST_BLOCKS = 2**31 - 1
_THREADS = 256


def forward(
    x: Tensor, affinity: Tensor, injection: Tensor | None, first: int, limit: bool
) -> Tensor:
    """h [N, D, C, H, W] of the scans in D directions from the `first` on.

    Args:
        x: [N, C, H, W].
        affinity: [N, D, G, K, H, W], G = C or 1.
        injection: [N, D or 1, G or 1, H, W].
    """
    h = x.new_empty(x.shape[0], affinity.shape[1], *x.shape[1:])
    if h.numel():
        launch_scan("forward", {"x": x, "affinity": affinity, "h": h}, injection, first, limit)
    return h


def backward(
    x: Tensor,
    affinity: Tensor,
    injection: Tensor | None,
    h: Tensor,
    grad: Tensor,
    first: int,
    limit: bool,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Gradients of x, affinity and injection, each in its own shape.

    What several blocks share comes in parts that are added here, always in the same order.
    """
    if not x.numel():
        none = None if injection is None else torch.zeros_like(injection)
        return torch.zeros_like(x), torch.zeros_like(affinity), none
    tensors = {"x": x, "affinity": affinity, "h": h, "grad": grad}
    grads = launch_scan("backward", tensors, injection, first, limit)
    parts = grads.get("grad_injection")
    grad_injection = None if injection is None or parts is None else _sum_to(parts, injection)
    grad_x = grads["grad_x"]
    total = grad_x[:, 0] if grad_x.shape[1] == 1 else grad_x.sum(1, dtype=x.dtype)
    return total, _sum_to(grads["grad_affinity"], affinity), grad_injection


def integrate(h: Tensor, mix: Tensor | None) -> tuple[Tensor, Tensor]:
    """[N, C, H, W] of h [N, 4, C, H, W], and which direction each pixel is from (without mix)."""
    out = torch.empty_like(h[:, 0], memory_format=torch.contiguous_format)
    came_from = torch.empty_like(out if mix is None else out[:0], dtype=torch.uint8)
    _integrate("forward", h, mix, {"out": out, "from": came_from})
    return out, came_from


def integrate_backward(
    grad: Tensor, h: Tensor | None, mix: Tensor | None, came_from: Tensor
) -> tuple[Tensor, Tensor | None]:
    """Gradients of h [N, 4, C, H, W] and mix [N, 4, H, W]; `h` is read only if there is a mix."""
    images, channels, height, width = grad.shape
    grad_h = grad.new_empty(images, 4, channels, height, width)
    grad_mix = None if mix is None else grad.new_empty(images, 4, height, width)
    pointers = {"from": came_from, "grad_h": grad_h}
    if grad_mix is not None:
        pointers["grad_mix"] = grad_mix
    _integrate("backward", grad_h if h is None else h, mix, pointers, grad)
    return grad_h, grad_mix


def launch_scan(
    kind: str,
    tensors: dict[str, Tensor],
    injection: Tensor | None,
    first: int,
    limit: bool,
    plan: Plan | None = None,
) -> dict[str, Tensor]:
    """One launch, by `plan` or the one made for the card; for "backward" its outputs, in parts."""
    if injection is not None:
        tensors["injection"] = injection
    tensors = {name: near(tensor) for name, tensor in tensors.items()}
    x, affinity = tensors["x"], tensors["affinity"]
    grads: dict[str, Tensor] = {}
    problem = _problem(tensors, first, limit)
    plan = plan or plan_scan(problem, kind, _cupy.card(x.device))
    if kind == "backward":
        grads = _gradients(x, affinity, injection, plan)
    argument = np.zeros((), SCAN)
    for name, tensor in (tensors | grads).items():
        argument[name] = view(tensor, SCAN_DIMS[name])
    argument["channels"], argument["height"], argument["width"] = x.shape[1:]
    argument["first"], argument["directions"] = first, affinity.shape[1]
    carry = x.new_empty(_carry_size(plan), dtype=torch.float32)
    argument["carry"] = carry.data_ptr()
    _launch(plan.kernel, argument, x.device, plan.blocks, plan.threads, plan.shared)
    return grads


def _gradients(
    x: Tensor, affinity: Tensor, injection: Tensor | None, plan: Plan
) -> dict[str, Tensor]:
    images, directions, _, taps, height, width = affinity.shape
    parts = (images, directions, plan.groups)
    grads = {
        "grad_x": x.new_empty(images, directions, x.shape[1], height, width),
        "grad_affinity": x.new_empty(*parts, taps, height, width),
    }
    if injection is not None:
        grads["grad_injection"] = x.new_empty(*parts, height, width)
    return grads


def _problem(tensors: Mapping[str, Tensor], first: int, limit: bool) -> Problem:
    x, affinity = tensors["x"], tensors["affinity"]
    return Problem(
        type=TYPES[x.dtype],
        itemsize=x.element_size(),
        images=x.shape[0],
        channels=x.shape[1],
        height=x.shape[2],
        width=x.shape[3],
        directions=tuple(range(first, first + affinity.shape[1])),
        taps=affinity.shape[3],
        shared=affinity.shape[2] == 1,
        injection="injection" in tensors,
        limit=limit,
        vector=vector(*tensors.values()),
    )


def _carry_size(plan: Plan) -> int:
    p = plan.problem
    return plan.walks * 2 * plan.channels * max(p.height, p.width) if plan.carries else 0


def _integrate(
    kind: str,
    h: Tensor,
    mix: Tensor | None,
    pointers: Mapping[str, Tensor],
    grad: Tensor | None = None,
) -> None:
    images, _, channels, height, width = h.shape
    argument = np.zeros((), INTEGRATE)
    dense = [h]
    for name, tensor, dims in (("mix", mix, "idrq"), ("grad", grad, "icrq")):
        if tensor is None:
            continue
        argument[name] = view(near(tensor), dims)
        # A view whose columns are not neighbours is read one by one.
        dense += [tensor] if tensor.stride(-1) == 1 else []
    for name, tensor in ({"h": h} | dict(pointers)).items():
        argument[name] = tensor.data_ptr()
    argument["images"], argument["channels"] = images, channels
    argument["pixels"], argument["width"] = height * width, width
    defines = {"TYPE": TYPES[h.dtype], "VECTOR": vector(*dense), "MIX": int(mix is not None)}
    kernel = Kernel.of("integrate.cu", f"integrate_{kind}", defines)
    planes = images if kind == "backward" and mix is not None else images * channels
    threads = planes * height * width * h.element_size() // vector(*dense)
    _launch(kernel, argument, h.device, -(-threads // _THREADS), _THREADS, 0)


def _launch(
    kernel: Kernel,
    argument: NDArray[np.void],
    device: torch.device,
    blocks: int,
    threads: int,
    shared: int,
) -> None:
    if blocks > _MOST_BLOCKS:
        raise InputError(f"a launch needs at most {_MOST_BLOCKS} blocks, not {blocks}")
    if blocks:
        _cupy.launch(kernel, argument, device, blocks=blocks, threads=threads, shared=shared)


def _sum_to(parts: Tensor, tensor: Tensor) -> Tensor:
    """Add what `tensor` shares; half precision is added in float32."""
    dims = [
        d for d, (many, one) in enumerate(zip(parts.shape, tensor.shape, strict=True)) if many > one
    ]
    return parts.sum(dims, keepdim=True, dtype=parts.dtype) if dims else parts
