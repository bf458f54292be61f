"""A small symmetric CNN with sum skips: what looks at the guide before anything is propagated."""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidprop.errors import InputError


@dataclass(frozen=True)
class GuidanceConfig:
    """Sizes of a guidance network.

    `channels` has one entry a level, the finest first; each level halves the size. `blocks` is the
    number of residual blocks a level has on the way down, and again on the way up. Of the input,
    the last `pointwise` channels are looked at one pixel at a time.
    """

    in_channels: int
    out_channels: int = 32
    channels: tuple[int, ...] = (32, 64, 96, 128)
    blocks: int = 1
    pointwise: int = 0

    def __post_init__(self) -> None:
        counts = (self.in_channels, self.out_channels, self.blocks, *self.channels)
        if not self.channels or min(counts) < 1:
            raise InputError(f"channels and blocks must be 1 or more, not {self}")
        if not 0 <= self.pointwise < self.in_channels:
            raise InputError(f"pointwise must be 0 or more, and leave a channel, not {self}")

    @property
    def stride(self) -> int:
        """Pixels of the input that one pixel of the coarsest level covers along an axis."""
        return 1 << (len(self.channels) - 1)


class GuidanceNetwork(nn.Module):
    """Features at the size of the input: [N, in_channels, H, W] -> [N, out_channels, H, W].

    Any size from 1x1 on; the frame is continued by its border up to a multiple of the stride.
    Source: the symmetric guidance network with sum skips of Liu et al., Learning Affinity via
    Spatial Propagation Networks, 2017; residual blocks in place of plain layers.
    """

    def __init__(self, config: GuidanceConfig) -> None:
        super().__init__()
        self.config = config
        levels = config.channels
        self.enter = _conv3(config.in_channels - config.pointwise, levels[0])
        self.beside: nn.Module | None = None
        if config.pointwise:
            self.beside = nn.Conv2d(config.pointwise, levels[0], 1, bias=False)
        self.down = nn.ModuleList(_blocks(c, config.blocks) for c in levels)
        self.shrink = nn.ModuleList(_conv3(a, b, stride=2) for a, b in pairwise(levels))
        self.grow = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(levels))
        self.up = nn.ModuleList(_blocks(c, config.blocks) for c in levels[:-1])
        self.leave = nn.Conv2d(levels[0], config.out_channels, 1)

    def forward(self, guide: Tensor) -> Tensor:
        if guide.ndim != 4 or guide.shape[1] != self.config.in_channels:
            raise InputError(
                f"guide must be [N, {self.config.in_channels}, H, W], not {list(guide.shape)}"
            )
        height, width = guide.shape[-2:]
        features = self._through(pad_to_multiple(guide, self.config.stride))
        return features[..., :height, :width]

    def _through(self, guide: Tensor) -> Tensor:
        x = self.down[0](self._entered(guide))
        skips = []
        for shrink, blocks in zip(self.shrink, self.down[1:], strict=True):
            skips.append(x)
            x = blocks(shrink(F.relu(x)))
        for grow, blocks in zip(reversed(self.grow), reversed(self.up), strict=True):
            x = blocks(skips.pop() + F.interpolate(grow(x), scale_factor=2.0))
        return self.leave(F.relu(x))

    def _entered(self, guide: Tensor) -> Tensor:
        if self.beside is None:
            entered: Tensor = self.enter(guide)
            return entered
        wide = self.config.in_channels - self.config.pointwise
        entered = self.enter(guide[:, :wide])
        return entered + self.beside(guide[:, wide:])


class ResidualBlock(nn.Module):
    """`x + conv(relu(conv(relu(x))))`, 3x3; begins as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _conv3(channels, channels)
        self.second = _conv3(channels, channels)
        with torch.no_grad():
            self.second.weight.mul_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(F.relu(x))))


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """`x` [N, C, H, W], its last row and column repeated until both divide by `multiple`."""
    height, width = x.shape[-2:]
    below = math.ceil(height / multiple) * multiple - height
    right = math.ceil(width / multiple) * multiple - width
    return F.pad(x, (0, right, 0, below), mode="replicate") if below or right else x


def _blocks(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(channels) for _ in range(count)))


def _conv3(channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    conv = nn.Conv2d(channels, out_channels, 3, stride=stride, padding=1)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    nn.init.zeros_(conv.bias) if conv.bias is not None else None
    return conv
