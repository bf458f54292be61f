"""Planes as callers have them: NumPy arrays or torch tensors, codes or floats."""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidprop.errors import InputError


def as_numpy(values: Any, name: str) -> NDArray[Any]:
    """A plane or picture as an array of uint8, uint16 or float32.

    Raises:
        InputError: it holds anything else.
    """
    array = np.asarray(values.detach().cpu() if is_tensor(values) else values)
    if array.dtype in (np.uint8, np.uint16):
        return array
    if np.issubdtype(array.dtype, np.floating):
        return array.astype(np.float32)
    raise InputError(f"{name}: uint8, uint16 or floats are needed, got {array.dtype}")


def as_given(result: NDArray[Any], pattern: Any) -> Any:
    """A result as an array or, if `pattern` is one, a tensor on the same device."""
    if not is_tensor(pattern):
        return result
    return sys.modules["torch"].from_numpy(np.ascontiguousarray(result)).to(pattern.device)


def is_tensor(values: Any) -> bool:
    """Whether this is a torch tensor; never imports torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(values, torch.Tensor)
