"""What a frame costs in arithmetic, whatever the machine: multiplications and additions."""

from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from vidprop.networks.spatial import SpatialNetwork
from vidprop.networks.temporal import Reference, TemporalConfig, TemporalNetwork

# Of one pixel and channel in one direction of a scan: three products, their sum, the input's share.
_SCAN = 8


@dataclass(frozen=True)
class Cost:
    """Arithmetic of one frame, in units of 10^9 operations, part by part.

    encoder: features of the frame; guidance: what is predicted from the candidates.
    match: windows compared and mixed, and the search over key frames; scan: all directions.
    """

    encoder: float
    guidance: float
    match: float
    scan: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.encoder + self.guidance + self.match + self.scan


@torch.inference_mode()
def temporal_cost(network: TemporalNetwork, height: int, width: int, keys: int = 1) -> Cost:
    """Of a frame [height, width] with so many key frames and the frame before."""
    config, h, w = network.config, height // 2, width // 2
    with _counter() as looked:
        seen = network.look(torch.zeros(1, 1, height, width))
    positions = torch.zeros(1, h, w, 2)
    edit = torch.zeros(1, config.edit_channels, h, w)
    reference = Reference(seen, edit, torch.ones(1, 1, h, w), positions, torch.ones(1))
    slots: list[Reference | None] = [reference if slot < keys else None for slot in range(2)]
    slots += [reference] * config.use_previous
    with _counter() as searched:
        found = [network.find(seen, one, slot) for slot, one in enumerate(slots)]
    with _counter() as decided:
        network.decide(seen, found, [(edit, edit[:, :1])] * config.extra_candidates)
    match = searched.get_total_flops() + _windows(config, keys) * h * w
    scan = config.carry.units * 4 * _SCAN * (config.edit_channels + 1) * h * w
    parts = (looked.get_total_flops(), decided.get_total_flops(), match, scan)
    return Cost(*(part / 1e9 for part in parts))


@torch.inference_mode()
def spatial_cost(network: SpatialNetwork, height: int, width: int) -> float:
    """10^9 operations of the convolutions for a key frame [height, width] made from hints."""
    h, w = height // 2, width // 2
    channels = network.config.edit_channels
    hints, mask = torch.zeros(1, channels, h, w), torch.zeros(1, 1, h, w)
    mask[..., 0, 0] = 1
    with _counter() as counted:
        network(torch.zeros(1, 1, height, width), hints, mask)
    return float(counted.get_total_flops() / 1e9)


def _counter() -> FlopCounterMode:
    return FlopCounterMode(display=False)


def _windows(config: TemporalConfig, keys: int) -> int:
    """Operations a pixel of all its windows: compared over features, mixed over values."""
    a_place = 2 * (config.match_channels + config.edit_channels + 2)
    radii = [config.key_radius] * keys + [config.previous_radius] * config.use_previous
    radii += [config.search_radius] * keys * (config.search_channels > 0)
    return a_place * sum((2 * radius + 1) ** 2 for radius in radii if radius)
