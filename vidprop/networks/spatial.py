"""The spatial propagation network (SPN): a grey frame and sparse hints -> the edit at every pixel.

    luma, hints, mask, estimate, trust --guidance--> affinities, injection, mix, residuals
                                                          |
    hints; estimate + residual between them --four scans--+--> estimate + residual, of the next unit

The first unit carries the hints far, at a coarse size; the second works at half the frame's size
and corrects what the first found. Source: Liu et al., Learning Affinity via Spatial
Propagation Networks, 2017; the scan with explicit injection, divided by what it carried, is ours.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidprop.errors import InputError
from vidprop.networks.guidance import GuidanceConfig, GuidanceNetwork, pad_to_multiple
from vidprop.ops.scan import propagate, propagate_with_confidence

_TINY = 1e-8


@dataclass(frozen=True)
class SpatialConfig:
    """What an SPN is made of.

    Attributes:
        units: guidance channels of each unit of the cascade, the finest level first.
        strides: pixels of the half size that a pixel of each unit covers.
        features: that the guidance gives to affinities, injection, mix and residuals.
        blocks: residual blocks a level of the guidance, on either way.
        connections: neighbours on the line before, 3 or 1.
        mix: how the four directions are joined; "max" is the deck's.
        lifted: 0 propagates the edit itself; else it is lifted to so many features, as the
            deck does, plain scans carry them, and a last convolution lowers them again.
        shared: whether the lifted features share their affinities.
    """

    edit_channels: int = 2
    units: tuple[tuple[int, ...], ...] = ((48, 64, 96, 128), (32, 48, 96, 128, 160))
    strides: tuple[int, ...] = (2, 1)
    features: int = 32
    blocks: int = 1
    connections: Literal[1, 3] = 3
    mix: Literal["learned", "max"] = "learned"
    lifted: int = 0
    shared: bool = True

    def __post_init__(self) -> None:
        # A configuration read from JSON brings lists.
        object.__setattr__(self, "units", tuple(map(tuple, self.units)))
        object.__setattr__(self, "strides", tuple(self.strides))
        if self.edit_channels < 1 or not self.units:
            raise InputError(f"an SPN needs an edit channel and a unit, not {self}")
        if len(self.strides) != len(self.units) or min(self.strides) < 1:
            raise InputError(f"strides must be one a unit, 1 or more, not {self.strides}")
        if self.connections not in (1, 3):
            raise InputError(f"connections must be 1 or 3, not {self.connections}")
        if self.mix not in ("learned", "max"):
            raise InputError(f"mix must be 'learned' or 'max', not {self.mix!r}")
        if not self.lifted and not (self.shared and self.mix == "learned"):
            raise InputError("affinities per channel and a max of directions need lifted > 0")


class SpatialNetwork(nn.Module):
    """Makes sparse hints dense; the values given are kept."""

    def __init__(self, config: SpatialConfig | None = None) -> None:
        super().__init__()
        self.config = config or SpatialConfig()
        unit = _LiftedUnit if self.config.lifted else _Unit
        self.units = nn.ModuleList(
            unit(self.config, index) for index in range(len(self.config.units))
        )

    def forward(
        self, luma: Tensor, hints: Tensor, mask: Tensor, *, every_unit: bool = False
    ) -> Tensor:
        """The edit at every pixel, at half the size of the frame.

        Args:
            luma: [N, 1, H, W], 0..1.
            hints: [N, edit_channels, h, w] with h = ceil(H / 2), w = ceil(W / 2); about -0.5..0.5.
            mask: [N, 1, h, w], 0..1: how far the hint there is to be kept; 0 where there is none.
            every_unit: give what each unit of the cascade found, for training.
        Returns:
            [N, edit_channels, h, w], float32: the hint where `mask` is 1, and 0 in a frame that
            has no hint at all. With `every_unit` [units, N, edit_channels, h, w].
        Raises:
            InputError: a shape does not fit.
        """
        self._check(luma, hints, mask)
        seen = mask.amax((1, 2, 3), keepdim=True) > 0
        hints = torch.where(mask > 0, hints, 0)
        state = torch.zeros_like(hints), torch.zeros_like(mask)
        found = []
        for unit, stride in zip(self.units, self.config.strides, strict=True):
            state = _at_stride(unit, stride, luma, hints, mask, state)
            found.append(torch.lerp(state[0], hints, mask) * seen)
        return torch.stack(found) if every_unit else found[-1]

    def _check(self, luma: Tensor, hints: Tensor, mask: Tensor) -> None:
        if luma.ndim != 4 or luma.shape[1] != 1:
            raise InputError(f"luma must be [N, 1, H, W], not {list(luma.shape)}")
        half = [(side + 1) // 2 for side in luma.shape[2:]]
        for name, value, channels in (
            ("hints", hints, self.config.edit_channels),
            ("mask", mask, 1),
        ):
            wanted = [luma.shape[0], channels, *half]
            if list(value.shape) != wanted:
                raise InputError(f"{name} must be {wanted}, not {list(value.shape)}")


State = tuple[Tensor, Tensor]
"""The estimate [N, C, h, w] and how much of the hints reached it [N, 1, h, w]."""


def _at_stride(
    unit: nn.Module, stride: int, luma: Tensor, hints: Tensor, mask: Tensor, state: State
) -> State:
    """Run `unit` at a coarser size: hints averaged over its cells, what it finds enlarged again."""
    height, width = hints.shape[-2:]
    grey = F.pixel_unshuffle(pad_to_multiple(luma, 2 * stride), 2 * stride) - 0.5
    if stride == 1:
        return unit(grey, hints, mask, *state)
    padded = F.pad(torch.cat([hints * mask, mask], 1), _missing(height, width, stride))
    sums = F.avg_pool2d(padded, stride)
    sparse = sums[:, :-1] / sums[:, -1:].clamp(min=_TINY)
    cover = F.max_pool2d(padded[:, -1:], stride)
    coarse = [F.avg_pool2d(pad_to_multiple(part, stride), stride) for part in state]
    found = torch.cat(unit(grey, sparse, cover, *coarse), 1)
    dense = F.interpolate(found, scale_factor=float(stride), mode="bilinear")
    return dense[:, :-1, :height, :width], dense[:, -1:, :height, :width]


def _missing(height: int, width: int, multiple: int) -> tuple[int, int, int, int]:
    """Left, right, top and bottom columns and rows that make both sides divide by `multiple`."""
    return (0, -width % multiple, 0, -height % multiple)


def _guidance(config: SpatialConfig, index: int) -> GuidanceNetwork:
    """Of luma, hints, mask, estimate and trust."""
    inputs = (2 * config.strides[index]) ** 2 + 2 * config.edit_channels + 2
    return GuidanceNetwork(
        GuidanceConfig(inputs, config.features, config.units[index], config.blocks)
    )


class _Unit(nn.Module):
    """Guidance, then four scans that carry the edit itself, divided by the injection they carried.

    The first unit carries hints alone; a later one also carries the estimate before it, corrected.
    """

    def __init__(self, config: SpatialConfig, index: int) -> None:
        super().__init__()
        self.connections, self.first = config.connections, index == 0
        self.guidance = _guidance(config, index)
        gates, residuals = (4, 0) if self.first else (8, 2 * config.edit_channels)
        self.sizes = [4 * (self.connections + 1), gates, 4, residuals]
        self.head = nn.Conv2d(config.features, sum(self.sizes), 3, padding=1)
        with torch.no_grad():
            self.head.weight.mul_(0.1)

    def forward(
        self, grey: Tensor, hints: Tensor, mask: Tensor, estimate: Tensor, trust: Tensor
    ) -> tuple[Tensor, Tensor]:
        features = self.guidance(torch.cat([grey, 4 * hints, mask, 4 * estimate, trust], 1))
        steps, gates, mix, residuals = self.head(F.relu(features)).float().split(self.sizes, 1)
        before, after = (0.1 * residuals).chunk(2, 1)
        value = hints if self.first else torch.lerp(estimate + before, hints, mask)
        edit, weight = propagate_with_confidence(
            value, self._affinities(steps), self._injection(gates, mask), mix=mix.softmax(1)
        )
        # The weight falls exponentially with distance; its logarithm, from -1 to 0, is readable.
        return edit if self.first else edit + after, torch.log(weight + _TINY) / 16

    def _affinities(self, logits: Tensor) -> Tensor:
        """Positive, their sum below 1: the fourth share of the softmax leaks."""
        parts = logits.reshape(-1, 4, 1, self.connections + 1, *logits.shape[2:])
        leak = parts[:, :, :, -1:] - (3.0 if self.first else 0.0)
        return torch.cat([parts[:, :, :, :-1], leak], 3).softmax(3)[:, :, :, :-1]

    def _injection(self, logits: Tensor, mask: Tensor) -> Tensor:
        """[N, 4, 1, h, w]: of the hints, and of the estimate where there is no hint."""
        hinted, *free = torch.split(torch.sigmoid(logits).unsqueeze(2), 4, 1)
        at_hint = hinted * mask[:, None]
        return at_hint + free[0] * (1 - mask[:, None]) if free else at_hint


class _LiftedUnit(nn.Module):
    """The deck's unit: edit and mask lifted to features, which may each have their own affinities.

    Injection is one minus the sum of the affinities, which `limit` keeps stable.
    """

    def __init__(self, config: SpatialConfig, index: int) -> None:
        super().__init__()
        self.connections, self.mixed = config.connections, config.mix == "learned"
        self.groups = 1 if config.shared else config.lifted
        edit = config.edit_channels
        self.guidance = _guidance(config, index)
        self.sizes = [4 * self.groups * self.connections, 4 if self.mixed else 0]
        self.head = nn.Conv2d(config.features, sum(self.sizes), 3, padding=1)
        self.lift = nn.Conv2d(2 * edit + 2, config.lifted, 3, padding=1)
        self.lower = nn.Conv2d(config.lifted, edit, 3, padding=1)

    def forward(
        self, grey: Tensor, hints: Tensor, mask: Tensor, estimate: Tensor, trust: Tensor
    ) -> tuple[Tensor, Tensor]:
        edit = torch.cat([4 * hints, mask, 4 * estimate, trust], 1)
        steps, mix = (
            self.head(F.relu(self.guidance(torch.cat([grey, edit], 1))))
            .float()
            .split(self.sizes, 1)
        )
        affinities = steps.reshape(-1, 4, self.groups, self.connections, *steps.shape[2:])
        carried = propagate(
            self.lift(edit).float(),
            affinities,
            mix=mix.softmax(1) if self.mixed else None,
            limit=True,
        )
        return self.lower(carried).float() / 4, trust
