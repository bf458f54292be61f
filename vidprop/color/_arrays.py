"""The few elementwise functions the formulas need, for numpy and torch alike.

torch is never imported here: a tensor that comes in brings it along.
"""

import sys
from typing import Any

import numpy as np

# ndarray | Tensor | float; naming Tensor would import torch into `vidprop.video`.
Values = Any


def floating(values: Values) -> Values:
    """`values` as an array or tensor of floats; float32 and float64 stay as they are."""
    if _is_tensor(values):
        return values if values.is_floating_point() else values.float()
    array = np.asarray(values)
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def clip(values: Values, low: float, high: float) -> Values:
    return values.clip(low, high)


def where(condition: Values, yes: Values, no: Values) -> Values:
    return _module(yes).where(condition, yes, no)


def log2(values: Values) -> Values:
    return _module(values).log2(values)


def exp2(values: Values) -> Values:
    return _module(values).exp2(values)


def stack_last(parts: list[Values]) -> Values:
    return _module(parts[0]).stack(parts, -1)


def _is_tensor(values: Values) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(values, torch.Tensor)


def _module(values: Values) -> Any:
    return sys.modules["torch"] if _is_tensor(values) else np
