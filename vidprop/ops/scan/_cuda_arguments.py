"""The structures that kernels take, by value, and what they ask of tensors.

Dimensions are named by letters: i image, d direction, c channel, k tap, r row, q column.
"""

from math import gcd
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["INTEGRATE", "PERCOLUMN", "SCAN", "SCAN_DIMS", "TYPES", "near", "vector", "view"]

TYPES = {torch.float32: "float", torch.float16: "float16", torch.bfloat16: "bfloat16"}

SCAN_DIMS = {
    "x": "icrq",
    "affinity": "idckrq",
    "injection": "idcrq",
    "h": "idcrq",
    "grad": "idcrq",
    "grad_x": "idcrq",
    "grad_affinity": "idckrq",
    "grad_injection": "idcrq",
}

_VIEW = np.dtype([("at", "u8"), ("strides", "i8", 6)])


def _structure(views: str, pointers: str, sizes: str) -> np.dtype[np.void]:
    fields: list[tuple[str, np.dtype[Any]]] = [(name, _VIEW) for name in views.split()]
    fields += [(name, np.dtype("u8")) for name in pointers.split()]
    return np.dtype(fields + [(name, np.dtype("i8")) for name in sizes.split()])


SCAN = _structure(" ".join(SCAN_DIMS), "carry", "channels height width first directions")
INTEGRATE = _structure("mix grad", "h out from grad_h grad_mix", "images channels pixels width")
PERCOLUMN = _structure(
    "x affinity h grad d grad_x grad_affinity",
    "",
    "images channels lanes steps across step before after",
)


def view(tensor: Tensor, dims: str) -> tuple[int, list[int]]:
    """Address, and strides in the kernels' order; 0 along a dimension that is shared or absent."""
    sizes = zip(dims, tensor.shape, tensor.stride(), strict=True)
    strides = {name: stride if size > 1 else 0 for name, size, stride in sizes}
    return tensor.data_ptr(), [strides.get(name, 0) for name in "idckrq"]


def vector(*tensors: Tensor) -> int:
    """Bytes, 16 at most, that divide every address at which a row of any tensor begins or ends."""
    whole = 16
    for tensor in tensors:
        size = tensor.element_size()
        if tensor.shape[-1] > 1 and tensor.stride(-1) != 1:
            return size
        jumps = zip(tensor.stride()[:-1], tensor.shape[:-1], strict=True)
        bytes_ = [stride * size for stride, count in jumps if count > 1]
        # Outputs are dense: their rows begin where this one's length ends.
        whole = gcd(whole, tensor.data_ptr(), tensor.shape[-1] * size, *bytes_)
    return whole


def near(tensor: Tensor) -> Tensor:
    """The tensor, or a dense copy if 32 bits do not reach across one of its images."""
    sides = zip(tensor.shape[-2:], tensor.stride()[-2:], strict=True)
    reach = sum((count - 1) * stride for count, stride in sides)
    return tensor if reach < 2**31 else tensor.contiguous()
