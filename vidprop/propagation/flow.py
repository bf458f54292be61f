"""Propagation by optical flow alone: no network, no weights. The method to compare with."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from vidprop.alignment import (
    Chain,
    Flow,
    consecutive_flows,
    flow_luma,
    identity_positions,
    luma_residual,
)

from .contract import Array, Estimate, KeyEdit

# A luma difference of this size halves the confidence, at the working size.
_HALVING_RESIDUAL = 0.04


class FlowPropagator:
    """Warps the edits of the key frames along dense flow from frame to frame.

    Between two key frames both results are blended, weighted by how well the
    warped luma agrees and by nearness in time. See `SpanPropagator`.
    """

    def propagate(
        self, guides: Sequence[Array], before: KeyEdit | None, after: KeyEdit | None
    ) -> Iterator[Estimate]:
        """See `SpanPropagator.propagate`."""
        if after is None:
            assert before is not None
            yield from _one_way(guides, before)
            return
        # The way back begins at its far end, so it is complete before the first blend.
        backward = list(_one_way(guides[::-1], after))[::-1]
        if before is None:
            yield from (Estimate(o.edit, o.confidence, None, o.in_before) for o in backward)
            return
        shares = np.linspace(0, 1, len(guides))
        for one, other, share in zip(_one_way(guides, before), backward, shares, strict=True):
            yield _blend(one, other, float(share))


def _one_way(guides: Sequence[Array], key: KeyEdit) -> Iterator[Estimate]:
    lumas = [flow_luma(guide) for guide in guides]
    chain = Chain(lumas[0], Flow())
    yield Estimate(key.edit, key.coverage[0], identity_positions(*key.edit.shape[1:]))
    for guide, flow in zip(guides[1:], consecutive_flows(lumas), strict=True):
        yield _warped(key, guide, guides[0], chain.follow(flow))


def _warped(key: KeyEdit, guide: Array, key_guide: Array, positions: Array) -> Estimate:
    height, width = key.edit.shape[1:]
    small = (cv2.resize(positions, (width, height), interpolation=cv2.INTER_AREA) + 0.5) / 2 - 0.5
    layers = np.concatenate([key.edit * key.coverage, key.coverage]).transpose(1, 2, 0)
    carried = cv2.remap(
        np.ascontiguousarray(layers), small, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).transpose(2, 0, 1)
    edit = carried[:-1] / np.maximum(carried[-1:], 1e-6)
    residual = np.abs(luma_residual(guide, key_guide, positions))
    residual = cv2.resize(residual, (width, height), interpolation=cv2.INTER_AREA)
    return Estimate(edit, carried[-1] * np.exp2(-residual / _HALVING_RESIDUAL), small)


def _blend(one: Estimate, other: Estimate, share: float) -> Estimate:
    first = (1 - share) * (one.confidence + 1e-3)
    second = share * (other.confidence + 1e-3)
    weight = second / (first + second)
    edit = one.edit + weight * (other.edit - one.edit)
    confidence = one.confidence + weight * (other.confidence - one.confidence)
    return Estimate(
        edit.astype(np.float32), confidence.astype(np.float32), one.in_before, other.in_before
    )
