"""The scan as a lean loop in PyTorch: what one would write without a kernel. Forward only."""

from itertools import pairwise

import torch
from torch import Tensor

from vidprop.ops.scan import Direction


def scan_loop(x: Tensor, affinity: Tensor, direction: Direction) -> Tensor:
    """`vidprop.ops.scan.scan` for three affinities without injection, in place, line by line.

    Lines are contiguous, between zeros: neighbours outside the frame need no case of their own.
    """
    x, p = (t if direction.vertical else t.mT for t in (x, affinity))
    N, C, steps, lanes = x.shape
    room = x.new_zeros(steps, N, C, lanes + 2)
    h = room[..., 1:-1]
    p0, p1, p2 = (p[:, :, i].permute(2, 0, 1, 3).contiguous() for i in range(3))
    p0[..., 0] = 0
    p2[..., -1] = 0
    torch.mul(1 - (p0 + p1 + p2), x.permute(2, 0, 1, 3), out=h)
    walk = range(steps)[:: -1 if direction.reverse else 1]
    h[walk[0]] = x[:, :, walk[0]]
    for before, now in pairwise(walk):
        line, last = h[now], room[before]
        line.addcmul_(p0[now], last[..., :-2])
        line.addcmul_(p1[now], last[..., 1:-1])
        line.addcmul_(p2[now], last[..., 2:])
    out = h.permute(1, 2, 0, 3)
    return (out if direction.vertical else out.mT).contiguous()


def propagate_loop(x: Tensor, affinities: Tensor) -> Tensor:
    """`vidprop.ops.scan.propagate` of `scan_loop`s."""
    out = scan_loop(x, affinities[:, 0], Direction.LEFT_TO_RIGHT)
    for way in list(Direction)[1:]:
        torch.maximum(out, scan_loop(x, affinities[:, way.value], way), out=out)
    return out
