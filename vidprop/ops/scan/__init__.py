"""Three-way directional propagation: the contract; the tensor's device picks the backend."""

import torch
from torch import Tensor

from ._checks import check_normalised, check_propagate, check_scan
from ._direction import Direction
from ._dispatch import run_propagate, run_scan

__all__ = [
    "Direction",
    "cascade",
    "propagate",
    "propagate_normalised",
    "propagate_with_confidence",
    "scan",
]


def scan(
    x: Tensor,
    affinity: Tensor,
    direction: Direction,
    injection: Tensor | None = None,
    *,
    limit: bool = False,
) -> Tensor:
    """Carry values through every plane of `x`, one row or column at a time.

    With t the step along `direction` and k the lane across it,

        h[k, t] = l[k, t] * x[k, t]
                + p0 * h[k-1, t-1] + p1 * h[k, t-1] + p2 * h[k+1, t-1]

    where l is `injection`, or one minus the sum of the affinities. An affinity
    whose neighbour lies outside the frame counts 0, in that sum too; so the first
    line is l * x, or x itself. Lanes are numbered as rows or columns are, whatever
    the direction.

    Args:
        x: [N, C, H, W], float32 or float64 (CPU); float32, float16 or bfloat16 (CUDA).
            float16 and bfloat16 on the CPU are computed in float32. Any strides.
        affinity: [N, G, K, H, W], G = C or 1 (shared by the channels, never
            expanded), K = 3, or 1 for the one-way connection, which has p1 alone.
        injection: [N, G, H, W] or [N, 1, H, W].
        limit: divide the affinities by the sum of their magnitudes where that sum
            is past 1 (neighbours outside left out), which makes the scan stable.

    Tensors of different dtypes are promoted to one. Values are not checked: a NaN
    reaches every pixel downstream of it, and no other.

    Returns:
        [N, C, H, W], differentiable once in every tensor given.
    Raises:
        InputError: a shape, dtype or device does not fit.
        BackendError: CUDA tensors without CuPy.
    Source: Liu et al., Learning Affinity via Spatial Propagation Networks, 2017.
    """
    x, affinity, injection = check_scan(x, affinity, direction, injection)
    return run_scan(x, affinity, direction, injection, limit)


def propagate(
    x: Tensor,
    affinities: Tensor,
    injection: Tensor | None = None,
    *,
    mix: Tensor | None = None,
    limit: bool = False,
    recompute: bool = False,
) -> Tensor:
    """Scan `x` in the four directions and integrate the results pixel by pixel.

    Args:
        x: [N, C, H, W], as in `scan`.
        affinities: [N, 4, G, K, H, W], dim 1 in the order of `Direction`.
        injection: [N, 4 or 1, G or 1, H, W].
        mix: [N, 4, H, W] weights of the directions; without it the largest of the
            four counts (of equal ones the first gets the gradient).
        limit: as in `scan`.
        recompute: keep the four scans out of memory between forward and backward,
            for about a third more time in backward.
    Returns:
        [N, C, H, W], differentiable once in every tensor given.
    Raises:
        InputError, BackendError: as `scan`.
    """
    x, affinities, injection, mix = check_propagate(x, affinities, injection, mix)
    return run_propagate(x, affinities, injection, mix, limit, recompute)


def propagate_normalised(
    edit: Tensor,
    affinities: Tensor,
    injection: Tensor,
    *,
    mix: Tensor | None = None,
    limit: bool = False,
    recompute: bool = False,
) -> Tensor:
    """The edit of `propagate_with_confidence`, without its confidence."""
    return propagate_with_confidence(
        edit, affinities, injection, mix=mix, limit=limit, recompute=recompute
    )[0]


def propagate_with_confidence(
    edit: Tensor,
    affinities: Tensor,
    injection: Tensor,
    *,
    mix: Tensor | None = None,
    limit: bool = False,
    recompute: bool = False,
) -> tuple[Tensor, Tensor]:
    """Carry a sparse or partly reliable edit as a normalised convolution.

    Both `injection * edit` and `injection` go through the four scans with the same
    affinities; their weighted sums over the directions are divided. Pixels without
    a sample therefore dilute nothing.

    Args:
        edit: [N, C, H, W].
        affinities: [N, 4, 1, K, H, W], shared by the channels.
        injection: [N, 4 or 1, 1, H, W], how far each sample counts; 0 where there is none.
        mix: [N, 4, H, W] weights of the directions, a quarter each if not given.
        limit, recompute: as in `propagate`.
    Returns:
        The edit [N, C, H, W], 0 where no sample reaches; and the confidence
        [N, 1, H, W], which is the denominator: how much injection reached the pixel.
    Raises:
        InputError, BackendError: as `scan`.
    Source: Knutsson and Westin, Normalized and differential convolution, 1993.
    """
    check_normalised(edit, affinities, injection)
    ones = edit.new_ones(()).expand(edit.shape[0], 1, *edit.shape[2:])
    if mix is None:
        mix = affinities.new_full((), 0.25).expand(edit.shape[0], 4, *edit.shape[2:])
    carried = propagate(
        torch.cat([edit, ones], 1),
        affinities,
        injection,
        mix=mix,
        limit=limit,
        recompute=recompute,
    )
    numerator, confidence = carried[:, :-1], carried[:, -1:]
    # Past this floor the gradient of the quotient would overflow.
    reached = confidence.abs() > torch.finfo(confidence.dtype).tiny ** 0.75
    edit = torch.where(reached, numerator / confidence.where(reached, 1), 0)
    return edit, confidence


def cascade(
    x: Tensor,
    units: list[Tensor],
    injection: Tensor | None = None,
    *,
    mix: Tensor | None = None,
    limit: bool = False,
    recompute: bool = False,
) -> Tensor:
    """Run `propagate` once for each entry of `units`, each on the result before it.

    Args:
        x: [N, C, H, W].
        units: the affinities of each unit; name one tensor twice to share it.
        injection, mix, limit, recompute: as in `propagate`, the same for every unit.
    Returns:
        [N, C, H, W].
    Raises:
        InputError, BackendError: as `scan`.
    """
    for affinities in units:
        x = propagate(x, affinities, injection, mix=mix, limit=limit, recompute=recompute)
    return x
