"""The scan as its definition reads, in plain PyTorch: any dtype, any device, autograd; slow.

The oracle of the tests. The contract is in `vidprop.ops.scan`; nothing is checked here.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

from ._direction import Direction


def scan_reference(
    x: Tensor,
    affinity: Tensor,
    direction: Direction,
    injection: Tensor | None = None,
    limit: bool = False,
) -> Tensor:
    """`vidprop.ops.scan.scan`, one line after the other."""
    x, affinity = _orient(x, direction), _orient(affinity, direction)
    p = affinity.where(_inside(affinity), 0)
    if limit:
        p = limited(p)
    share = 1 - p.sum(2) if injection is None else _orient(injection, direction)
    h = _lines(share * x, _by_offset(p))
    return _restore(h, direction)


def propagate_reference(
    x: Tensor,
    affinities: Tensor,
    injection: Tensor | None = None,
    mix: Tensor | None = None,
    limit: bool = False,
) -> Tensor:
    """`vidprop.ops.scan.propagate`: four scans, then their max or their weighted sum."""
    h = torch.stack(
        [scan_reference(x, affinities[:, d.value], d, _of(injection, d), limit) for d in Direction]
    )
    if mix is None:
        return h.max(0).values
    return (h * mix.movedim(1, 0).unsqueeze(2)).sum(0)


def limited(p: Tensor) -> Tensor:
    """Divide by the sum of magnitudes over dim 2 where that sum is past 1.

    Affinities that point outside the frame are 0 by then, so they do not count.
    """
    total = p.abs().sum(2, keepdim=True)
    return torch.where(total > 1, p / total.clamp(min=1), p)


def _lines(source: Tensor, p: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    h = [source[..., 0]]
    for t in range(1, source.shape[-1]):
        before = pad(h[-1], (1, 1))
        near = (before[..., :-2], before[..., 1:-1], before[..., 2:])
        carried = sum((a[..., t] * b for a, b in zip(p, near, strict=True)), source[..., t])
        h.append(carried)
    return torch.stack(h, -1)


def _by_offset(p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    if p.shape[2] == 3:
        return p[:, :, 0], p[:, :, 1], p[:, :, 2]
    none = torch.zeros_like(p[:, :, 0])
    return none, p[:, :, 0], none


def _inside(affinity: Tensor) -> Tensor:
    """[K, lanes, steps]: whether the neighbour that an affinity points at is in the frame."""
    count, lanes, steps = affinity.shape[2:]
    inside = torch.ones(count, lanes, steps, dtype=torch.bool, device=affinity.device)
    inside[..., 0] = False
    if count == 3:
        inside[0, 0] = inside[2, -1] = False
    return inside


def _of(injection: Tensor | None, direction: Direction) -> Tensor | None:
    if injection is None:
        return None
    return injection[:, direction.value if injection.shape[1] == 4 else 0]


def _orient(tensor: Tensor, direction: Direction) -> Tensor:
    """Lanes, then steps, as the last two dimensions, walked upwards."""
    tensor = tensor.transpose(-1, -2) if direction.vertical else tensor
    return tensor.flip(-1) if direction.reverse else tensor


def _restore(tensor: Tensor, direction: Direction) -> Tensor:
    tensor = tensor.flip(-1) if direction.reverse else tensor
    return tensor.transpose(-1, -2) if direction.vertical else tensor
