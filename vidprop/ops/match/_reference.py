"""The definition of the windowed match in plain PyTorch, any device and dtype."""

import torch
from torch import Tensor

OUTSIDE = -1e4


def match_reference(
    query: Tensor, key: Tensor, value: Tensor, centre: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor]:
    """See `vidprop.ops.match.match`. Memory: one gathered window for every pixel, row by row."""
    index, inside = window_index(centre, key.shape[1], key.shape[2], bias.numel())
    scores, values = [], []
    for d in range(bias.numel()):
        at = index[..., d]
        similarity = (query * _gather(key, at)).sum(-1) + bias[d]
        scores.append(torch.where(inside[..., d], similarity, OUTSIDE))
        values.append(_gather(value, at))
    score = torch.stack(scores, -1)
    weight = torch.where(inside, torch.softmax(score, -1), 0.0)
    out = sum(weight[..., d, None] * values[d] for d in range(bias.numel()))
    total = torch.where(inside.any(-1), torch.logsumexp(score, -1), OUTSIDE)
    assert isinstance(out, Tensor)
    return out, total


def window_index(centre: Tensor, h: int, w: int, offsets: int) -> tuple[Tensor, Tensor]:
    """Flat positions [N, H, W, D] of every window, clamped, and which of them lie inside."""
    radius = round(offsets**0.5) // 2
    step = torch.arange(-radius, radius + 1, device=centre.device)
    row = centre[..., 1, None, None] + step[:, None]
    column = centre[..., 0, None, None] + step[None, :]
    inside = (row >= 0) & (row < h) & (column >= 0) & (column < w)
    flat = row.clamp(0, h - 1) * w + column.clamp(0, w - 1)
    return flat.flatten(-2), inside.flatten(-2)


def _gather(source: Tensor, at: Tensor) -> Tensor:
    rows = source.flatten(1, 2)
    index = at.flatten(1).long()[..., None].expand(-1, -1, source.shape[3])
    return rows.gather(1, index).view(*at.shape, source.shape[3])
