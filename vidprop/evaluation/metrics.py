"""How far a coloured clip is from the truth, and how steady it is.

Frames are [H, W, 3], gamma-coded R'G'B' in 0..1. Sums are made in float64: in
8 bits a squared difference wraps and flatters large errors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab

from vidprop.alignment import Flow, consistency, flow_luma, flow_positions, inside, warp

Array = NDArray[Any]
PSNR_LIMIT = 80.0
"""dB given to a frame without error, so that a mean over frames stays finite."""

_BINS = 256
_DISTANCES = (1, 2, 4)


def psnr(truth: Array, estimate: Array, peak: float = 1.0) -> float:
    """Peak signal-to-noise ratio over all pixels and channels, dB, at most `PSNR_LIMIT`."""
    error = np.square(truth.astype(np.float64) - estimate).mean() / peak**2
    return float(-10 * np.log10(max(error, 10 ** (-PSNR_LIMIT / 10))))


def delta_e_2000(truth: Array, estimate: Array) -> float:
    """Mean CIE delta E 2000 over the pixels, of frames shown on an sRGB display.

    Source: ISO/CIE 11664-6:2022.
    """
    difference = deltaE_ciede2000(rgb2lab(truth.astype(float)), rgb2lab(estimate.astype(float)))
    return float(np.mean(difference))


def colour_consistency(frames: Sequence[Array]) -> float:
    """CDC: how much the distribution of colours changes over time; less is steadier.

    Mean Jensen-Shannon divergence (nats) of the 256-bin histograms of B, G and R
    of frames 1, 2 and 4 apart, each distance with equal weight. Compare with the truth's.
    A clip of one frame scores 0.

    Source: Liu et al., Temporally Consistent Video Colorization with Deep Feature
    Propagation and Self-Regularization Learning, 2021.
    """
    histograms = np.stack([_histograms(frame) for frame in frames])
    means = [
        _jensen_shannon(histograms[:-distance], histograms[distance:]).mean()
        for distance in _DISTANCES
        if distance < len(frames)
    ]
    return float(np.mean(means)) if means else 0.0


@dataclass(frozen=True)
class Motion:
    """Where a frame's pixels were in the frame before: `positions` [H, W, 2], and
    `visible` [H, W], where that can be told."""

    positions: NDArray[np.float32]
    visible: NDArray[np.bool_]


def motions(lumas: Sequence[Array]) -> list[Motion]:
    """Motion of each frame but the first, from luma [H, W] of 0..1."""
    flow = Flow()
    planes = [flow_luma(luma) for luma in lumas]
    return [_motion(flow, after, before) for before, after in pairwise(planes)]


def warp_error(frames: Sequence[Array], motion: Sequence[Motion]) -> float:
    """Mean squared change of the colours along the motion, where it is visible.

    Noise, light and a wrong flow change the truth too: compare with the truth's.

    Source: Lai et al., Learning Blind Video Temporal Consistency, 2018.
    """
    errors = [
        np.square(after.astype(np.float64) - warp(before, step.positions))[step.visible].mean()
        for before, after, step in zip(frames, frames[1:], motion, strict=False)
        if step.visible.any()
    ]
    return float(np.mean(errors)) if errors else 0.0


def _histograms(frame: Array) -> Array:
    codes = np.rint(np.clip(frame, 0, 1) * (_BINS - 1)).astype(np.int64).reshape(-1, 3)
    counts = np.stack([np.bincount(channel, minlength=_BINS) for channel in codes.T])
    return counts / len(codes)


def _jensen_shannon(p: Array, q: Array) -> Array:
    middle = (p + q) / 2
    return (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2


def _relative_entropy(p: Array, q: Array) -> Array:
    ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    return (p * np.log(ratio)).sum(axis=-1)


def _motion(flow: Flow, after: NDArray[np.uint8], before: NDArray[np.uint8]) -> Motion:
    back, there = flow(after, before), flow(before, after)
    positions = flow_positions(back)
    visible = _agree(back, there) & inside(positions, (after.shape[0], after.shape[1]))
    return Motion(positions, visible)


def _agree(back: NDArray[np.float32], there: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Source: Ruder et al., Artistic Style Transfer for Videos, 2016, equation 5."""
    lengths = np.square(back).sum(-1) + np.square(warp(there, flow_positions(back))).sum(-1)
    agree: NDArray[np.bool_] = np.square(consistency(back, there)) <= 0.01 * lengths + 0.5
    return agree
