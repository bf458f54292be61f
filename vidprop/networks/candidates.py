"""How candidates for a frame's edit are taken from a reference, and what is known of each.

A candidate is [N, C + 3, h, w]: edit, coverage, luma residual, fit.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Pixels of the working size along the side of a block of the search over whole key frames.
BLOCK = 4
# What is known of a reference: inside its frame or not, how far away in time, crowding.
FACTS = 3


def fact(value: Tensor, fit: Tensor, luma: Tensor) -> Tensor:
    """A candidate from what was carried, [edit * coverage, coverage, luma of the reference]."""
    coverage, reference_luma = value[:, -2:-1], value[:, -1:]
    # Bicubic sampling goes a little past 0 and 1.
    edit = value[:, :-2] / coverage.clamp(min=0.02)
    return torch.cat([edit, coverage.clamp(0, 1), luma - reference_luma, fit], 1)


def unit(features: Tensor) -> Tensor:
    """[N, F, h, w] -> [N, h, w, F], of length 1."""
    return F.normalize(features.permute(0, 2, 3, 1), dim=-1)


def enlarged(blocks: Tensor, h: int, w: int) -> Tensor:
    """[N, C, h', w'], a value a block -> [N, C, h, w]."""
    return F.interpolate(blocks, scale_factor=BLOCK, mode="bilinear")[:, :, :h, :w]


def centres(place: Tensor, columns: int, h: int, w: int) -> Tensor:
    """Positions [N, h, w, 2] that keep their offset from their block in the block found."""
    blocks = torch.stack([place % columns, place // columns], -1)
    rows, across = torch.arange(h, device=place.device), torch.arange(w, device=place.device)
    of_pixel = blocks[:, rows // BLOCK][:, :, across // BLOCK] * BLOCK
    offset = torch.stack(torch.meshgrid(across % BLOCK, rows % BLOCK, indexing="xy"), -1)
    return (of_pixel + offset).int()


def given(edit: Tensor, reliability: Tensor) -> Tensor:
    """A candidate from elsewhere than a reference."""
    return torch.cat([edit, reliability, torch.zeros_like(edit[:, :1]), reliability], 1)


def straight_ahead(positions: Tensor) -> Tensor:
    """Positions [N, h, w, 2] as they are where nothing moves."""
    h, w = positions.shape[1:3]
    across = torch.arange(w, device=positions.device, dtype=positions.dtype)
    down = torch.arange(h, device=positions.device, dtype=positions.dtype)
    grid = torch.stack(torch.meshgrid(across, down, indexing="xy"), -1)
    return grid.expand_as(positions)


def sampling_grid(positions: Tensor, h: int, w: int) -> tuple[Tensor, Tensor]:
    """Positions as `grid_sample` wants them, and where they lie inside, [N, 1, h, w]."""
    size = positions.new_tensor([w, h])
    grid = (2 * positions + 1) / size - 1
    inside = (grid.abs() <= 1).all(-1).unsqueeze(1)
    return grid, inside.float()


def crowding(positions: Tensor) -> Tensor:
    """How many pixels claim the same place in the reference: log2, [N, 1, h, w].

    Where one thing hides another, pixels of both point at what could be seen of one: the
    mapping tells of an occlusion without the flow of the other way.
    """
    n, h, w = positions.shape[:3]
    place = positions.detach().round().long()
    x, y = place[..., 0].clamp(0, w - 1), place[..., 1].clamp(0, h - 1)
    flat = (y * w + x).view(n, -1)
    claims = positions.new_zeros(n, h * w).scatter_add_(1, flat, positions.new_ones(n, h * w))
    smooth = F.avg_pool2d(claims.view(n, 1, h, w), 3, 1, 1, count_include_pad=False)
    return torch.log2(smooth.view(n, -1).gather(1, flat).clamp(min=0.1)).view(n, 1, h, w)


def sample(image: Tensor, grid: Tensor, mode: str = "bilinear") -> Tensor:
    """Sample an image; beyond its border the border repeats."""
    return F.grid_sample(image, grid, mode, padding_mode="border", align_corners=False)


def centred(radius: int) -> nn.Parameter:
    """Window bias that falls off from the aligned position, [(2 r + 1)^2]."""
    step = torch.arange(-radius, radius + 1, dtype=torch.float32)
    return nn.Parameter(-0.1 * (step[:, None] ** 2 + step**2).flatten())
