"""From a guidance network's output to a propagated edit: affinities, injection, integration."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from vidprop.errors import InputError
from vidprop.ops.scan import propagate, propagate_normalised


@dataclass(frozen=True)
class CarryConfig:
    """How the scans carry an edit.

    Attributes:
        connections: neighbours on the line before that a pixel takes from, 3 or 1; 0 scans nothing.
        units: in cascade, each with affinities of its own.
        mix: of the four directions: "learned" at each pixel, or "max", the deck's node-wise
            one, for which the scans are the classical ones (injection 1 - sum of affinities).
        own: affinities for each channel of the edit, not shared by all.
        handmade: affinities that fall with the difference of luma, not learned.
    """

    connections: Literal[0, 1, 3] = 3
    units: int = 1
    mix: Literal["learned", "max"] = "learned"
    own: bool = False
    handmade: bool = False

    def __post_init__(self) -> None:
        if self.connections not in (0, 1, 3) or self.units < 1:
            raise InputError(f"connections must be 0, 1 or 3 and units 1 or more, not {self}")
        if self.mix not in ("learned", "max"):
            raise InputError(f"mix must be 'learned' or 'max', not {self.mix!r}")

    def groups(self, channels: int) -> int:
        """Sets of affinities for an edit of so many channels."""
        return channels if self.own else 1

    def outputs(self, channels: int) -> int:
        """Channels that the guidance network must give for an edit of so many."""
        return self.units * (4 + 4 * self.groups(channels) * self.connections)


def carry(
    config: CarryConfig, edit: Tensor, injection: Tensor, guidance: Tensor, luma: Tensor
) -> Tensor:
    """Carry an edit over what is not injected.

    Args:
        edit: [N, C, h, w].
        injection: [N, 1, h, w], 0 to 1.
        guidance: [N, config.outputs(C), h, w], a unit after the other: mix, then affinities.
        luma: [N, 1, h, w], read where affinities are made by hand.
    Returns:
        [N, C, h, w].
    """
    if not config.connections:
        return edit
    for part in guidance.chunk(config.units, 1):
        edit = _unit(config, edit, injection, part, luma)
    return edit


def _unit(
    config: CarryConfig, edit: Tensor, injection: Tensor, guidance: Tensor, luma: Tensor
) -> Tensor:
    n, channels, h, w = edit.shape
    groups = config.groups(channels)
    directions, logits = guidance[:, :4].softmax(1), guidance[:, 4:]
    logits = logits.reshape(n, 4, groups, config.connections, h, w)
    if config.handmade:
        logits = _handmade(luma, config.connections).unsqueeze(2).expand_as(logits)
    # A share for nobody keeps the others below 1 in sum: the scan stays stable.
    affinity = F.pad(logits, (0, 0, 0, 0, 0, 1)).softmax(3)[:, :, :, :-1]
    if config.mix == "max":
        return propagate(edit, affinity * (1 - injection)[:, None, None])
    if groups == 1:
        return propagate_normalised(edit, affinity, injection.unsqueeze(1), mix=directions)
    carried = propagate(
        torch.cat([edit, torch.ones_like(edit)], 1),
        torch.cat([affinity, affinity], 2),
        injection.unsqueeze(1),
        mix=directions,
    )
    return carried[:, :channels] / carried[:, channels:].clamp(min=1e-6)


def _handmade(luma: Tensor, connections: int, scale: float = 0.05) -> Tensor:
    """Logits [N, 4, K, h, w] that fall with the difference of luma to each neighbour."""
    near = F.pad(luma, (1, 1, 1, 1), mode="replicate")
    h, w = luma.shape[2:]
    # (row, column) of the line before, in the order of the directions: right, left, down, up.
    steps = ((0, -1), (0, 1), (-1, 0), (1, 0))
    offsets = (-1, 0, 1) if connections == 3 else (0,)
    planes = []
    for row, column in steps:
        for k in offsets:
            r, c = (row, k) if row else (k, column)
            there = near[:, :, 1 + r : 1 + r + h, 1 + c : 1 + c + w]
            planes.append(3 - (luma - there).abs() / scale)
    return torch.cat(planes, 1).unflatten(1, (4, connections))  # type: ignore[no-untyped-call]
