"""What a propagation without learning can do, to compare with: copies and warps along flow.

Edits are kept at full size and, where warped, resampled at every frame; the
little blur this gives is worth 0.2 dB over a single warp along composed flow.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from vidprop.alignment import (
    FlowConfig,
    consecutive_flows,
    consistency,
    flow_luma,
    flow_positions,
    warp,
)
from vidprop.evaluation.methods import Array

# Doubt that halves a weight: a luma difference of 0.02, two pixels of disagreement.
_HALVING_RESIDUAL = 0.02
_HALVING_DISTANCE = 2.0
_LEAST = 1e-3


class Copy:
    """The edit of the first key frame, or else of the last, at every frame."""

    def propagate(self, guides: Sequence[Array], edits: Mapping[int, Array]) -> list[Array]:
        """See `Method.propagate`."""
        return [edits[min(edits)]] * len(guides)


@dataclass(frozen=True)
class FlowForward:
    """The edit of the first key frame, warped along dense flow from frame to frame."""

    config: FlowConfig = field(default_factory=FlowConfig)
    threads: int = 2

    def propagate(self, guides: Sequence[Array], edits: Mapping[int, Array]) -> list[Array]:
        """See `Method.propagate`."""
        flows = consecutive_flows(map(flow_luma, guides), self.config, threads=self.threads)
        return list(_carry(edits[0], flows))


@dataclass(frozen=True)
class FlowBlend:
    """Warps from both key frames, blended linearly in time; one-sided if there is but one.

    weighted: the blend also follows the doubts about each warp: how much the key
        frame's luma, warped likewise, differs, and how far forward and backward
        flow disagreed on the way.
    """

    config: FlowConfig = field(default_factory=FlowConfig)
    weighted: bool = False
    threads: int = 2

    def propagate(self, guides: Sequence[Array], edits: Mapping[int, Array]) -> list[Array]:
        """See `Method.propagate`."""
        last = len(guides) - 1
        if last not in edits or last == 0:
            return FlowForward(self.config, self.threads).propagate(guides, edits)
        onward = self._one_way(guides, edits[0])
        backward = self._one_way(guides[::-1], edits[last])[::-1]
        shares = np.linspace(0, 1, len(guides))
        return [_blend(*both) for both in zip(onward, backward, shares, strict=True)]

    def _one_way(self, guides: Sequence[Array], edit: Array) -> list[Array]:
        """[C + 1, H, W] each: the edit, and the weight of it."""
        lumas = [flow_luma(guide) for guide in guides]
        back = consecutive_flows(lumas, self.config, threads=self.threads)
        if not self.weighted:
            return [
                _with_weight(carried, np.ones_like(guides[0])) for carried in _carry(edit, back)
            ]
        there = consecutive_flows(lumas, self.config, threads=self.threads, reverse=True)
        return list(_carry_with_doubt(guides, edit, zip(back, there, strict=True)))


def _carry(edit: Array, flows: Iterator[Array]) -> Iterator[Array]:
    yield edit
    for flow in flows:
        edit = _warped(edit, flow)
        yield edit


def _carry_with_doubt(
    guides: Sequence[Array], edit: Array, flows: Iterator[tuple[Array, Array]]
) -> Iterator[Array]:
    luma, distance = guides[0], np.zeros_like(guides[0])
    yield _with_weight(edit, np.ones_like(luma))
    for guide, (back, there) in zip(guides[1:], flows, strict=True):
        edit, luma = _warped(edit, back), _warped(luma[None], back)[0]
        distance = _warped(distance[None], back)[0] + consistency(back, there)
        doubt = np.abs(luma - guide) / _HALVING_RESIDUAL + distance / _HALVING_DISTANCE
        yield _with_weight(edit, np.exp2(-doubt))


def _warped(planes: Array, flow: Array) -> Array:
    return warp(planes.transpose(1, 2, 0), flow_positions(flow)).transpose(2, 0, 1)


def _with_weight(edit: Array, weight: Array) -> Array:
    return np.concatenate([edit, weight[None]])


def _blend(one: Array, other: Array, share: float) -> Array:
    first, second = (1 - share) * (one[-1] + _LEAST), share * (other[-1] + _LEAST)
    return (one[:-1] * first + other[:-1] * second) / (first + second)
