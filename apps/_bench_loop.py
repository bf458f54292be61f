"""The scan as lean loops in PyTorch: what one would write without a kernel."""

from functools import reduce
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.functional import pad

from vidprop.ops.scan import Direction


def scan_loop(x: Tensor, affinity: Tensor, direction: Direction) -> Tensor:
    """`vidprop.ops.scan.scan` for three affinities without injection, in place; forward only.

    Lines are contiguous, between zeros: neighbours outside the frame need no case of their own.
    """
    x, p0, p1, p2 = _lines(x, affinity, direction)
    room = x.new_zeros(*x.shape[:3], x.shape[3] + 2)
    h = room[..., 1:-1]
    torch.mul(1 - (p0 + p1 + p2), x, out=h)
    walk = range(len(x))[:: -1 if direction.reverse else 1]
    h[walk[0]] = x[walk[0]]
    for before, now in pairwise(walk):
        line, last = h[now], room[before]
        line.addcmul_(p0[now], last[..., :-2])
        line.addcmul_(p1[now], last[..., 1:-1])
        line.addcmul_(p2[now], last[..., 2:])
    return _frame(h, direction)


def scan_loop_training(x: Tensor, affinity: Tensor, direction: Direction) -> Tensor:
    """The same for autograd.

    Lines are unbound at once: the gradient of an index is as large as what it is taken from.
    """
    x, p0, p1, p2 = _lines(x, affinity, direction)
    share, step = 1 - (p0 + p1 + p2), -1 if direction.reverse else 1
    sources, first = (share * x).unbind()[::step], x.unbind()[::step][0]
    h = [first]
    factors = zip(*(p.unbind()[::step][1:] for p in (p0, p1, p2)), strict=True)
    for source, (a, b, c) in zip(sources[1:], factors, strict=True):
        last = pad(h[-1], (1, 1))
        source = torch.addcmul(source, a, last[..., :-2])
        source = torch.addcmul(source, b, last[..., 1:-1])
        h.append(torch.addcmul(source, c, last[..., 2:]))
    return _frame(torch.stack(h[::step]), direction)


def _lines(x: Tensor, affinity: Tensor, direction: Direction) -> tuple[Tensor, ...]:
    """x and the affinities, [steps, N, C or G, lanes]; 0 where a neighbour is outside."""
    x, p = (t if direction.vertical else t.mT for t in (x, affinity))
    p0, p1, p2 = (p[:, :, i].permute(2, 0, 1, 3).contiguous() for i in range(3))
    first, last = torch.ones(2, p.shape[-1], dtype=x.dtype, device=x.device)
    first[0] = last[-1] = 0
    return x.permute(2, 0, 1, 3).contiguous(), p0 * first, p1, p2 * last


def _frame(lines: Tensor, direction: Direction) -> Tensor:
    h = lines.permute(1, 2, 0, 3)
    return (h if direction.vertical else h.mT).contiguous()


def propagate_loop(x: Tensor, affinities: Tensor) -> Tensor:
    """`vidprop.ops.scan.propagate` of these loops."""
    if torch.is_grad_enabled():
        scans = [scan_loop_training(x, affinities[:, way.value], way) for way in Direction]
        return reduce(torch.maximum, scans)
    out = scan_loop(x, affinities[:, 0], Direction.LEFT_TO_RIGHT)
    for way in list(Direction)[1:]:
        torch.maximum(out, scan_loop(x, affinities[:, way.value], way), out=out)
    return out
