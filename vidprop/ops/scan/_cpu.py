"""The scan on the CPU."""

from torch import Tensor

from ._direction import Direction
from ._reference import propagate_reference, scan_reference


def scan_cpu(
    x: Tensor, affinity: Tensor, direction: Direction, injection: Tensor | None, limit: bool
) -> Tensor:
    """`vidprop.ops.scan.scan` for float32 and float64."""
    return scan_reference(x, affinity, direction, injection, limit)


def propagate_cpu(
    x: Tensor,
    affinities: Tensor,
    injection: Tensor | None,
    mix: Tensor | None,
    limit: bool,
    recompute: bool,
) -> Tensor:
    """`vidprop.ops.scan.propagate` for float32 and float64."""
    return propagate_reference(x, affinities, injection, mix, limit)
