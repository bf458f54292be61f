"""The published scheme, one launch a step: what the benchmark compares with, and nothing else."""

import numpy as np
import torch
from torch import Tensor

from vidprop.ops import _cupy
from vidprop.ops._cupy import Kernel

from ._cuda_arguments import PERCOLUMN, TYPES, view
from ._direction import Direction

_THREADS = 256


def percolumn_forward(x: Tensor, affinity: Tensor, direction: Direction) -> Tensor:
    """h of `vidprop.ops.scan.scan` for x [N, C, H, W], affinity [N, G, 3, H, W], no injection."""
    h = torch.empty_like(x, memory_format=torch.contiguous_format)
    _walk("percolumn_forward", {"x": x, "affinity": affinity, "h": h}, direction)
    return h


def percolumn_backward(
    x: Tensor, affinity: Tensor, h: Tensor, grad: Tensor, direction: Direction
) -> tuple[Tensor, Tensor]:
    """Gradients of x and of the affinity, the latter [N, C, 3, H, W] whatever G is."""
    images, channels, height, width = x.shape
    grad_x, d = torch.empty_like(h), torch.empty_like(h)
    grad_affinity = h.new_empty(images, channels, 3, height, width)
    inputs = {"x": x, "affinity": affinity, "h": h, "grad": grad, "d": d}
    outputs = {"grad_x": grad_x, "grad_affinity": grad_affinity}
    _walk("percolumn_backward", inputs | outputs, direction)
    return grad_x, grad_affinity


def _walk(function: str, tensors: dict[str, Tensor], direction: Direction) -> None:
    x = tensors["x"]
    images, channels, height, width = x.shape
    lanes, steps = (width, height) if direction.vertical else (height, width)
    argument = np.zeros((), PERCOLUMN)
    for name, tensor in tensors.items():
        argument[name] = view(tensor, "ickrq" if "affinity" in name else "icrq")
    argument["images"], argument["channels"] = images, channels
    argument["lanes"], argument["steps"] = lanes, steps
    argument["across"] = not direction.vertical
    kernel = Kernel.of("percolumn.cu", function, {"TYPE": TYPES[x.dtype]})
    order = list(range(steps))[:: -1 if direction.reverse else 1]
    around = [-1, *order, -1]
    walk = list(zip(around, order, around[2:], strict=False))
    for before, step, after in walk if function == "percolumn_forward" else walk[::-1]:
        argument["before"], argument["step"], argument["after"] = before, step, after
        blocks = -(-images * channels * lanes // _THREADS)
        _cupy.launch(kernel, argument, x.device, blocks=blocks, threads=_THREADS)
