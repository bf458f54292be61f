"""Sparse hints made dense by the spatial network."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vidprop.edits.guide import unit_guide
from vidprop.edits.hints import HintMaps, point_maps, superpixel_positions
from vidprop.networks.spatial import SpatialNetwork
from vidprop.weights import load_weights

from .contract import Array
from .span import device_named

SHIPPED = "hints"


class Densifier:
    """Fills a frame with colour from a few hints.

    Args:
        weights: a file; None for those shipped.
        device: "auto", "cpu", "cuda" or "cuda:N".
    Raises:
        WeightsError, BackendError: the network cannot be had there.
    """

    def __init__(self, weights: Path | None = None, device: str = "auto") -> None:
        self._device = device_named(device)
        self._network = load_weights(SpatialNetwork, weights or SHIPPED).to(self._device)

    def __call__(self, guide: NDArray[np.uint8], hints: HintMaps) -> Array:
        """The edit [2, h, w] of a frame with guide [2h, 2w], 8 bits."""
        planes = (unit_guide(guide)[None], hints.edit, hints.mask)
        tensors = (torch.from_numpy(plane)[None].to(self._device) for plane in planes)
        with torch.inference_mode():
            edit = self._network(*tensors)
        return edit[0].float().cpu().numpy()


def sampled_hints(guide: NDArray[np.uint8], edit: Array, count: int) -> HintMaps:
    """About `count` hints taken from a full edit [2, h, w], one in each superpixel of the guide."""
    positions = superpixel_positions(unit_guide(guide), count, np.random.default_rng(0))
    values = edit[:, positions[:, 0] // 2, positions[:, 1] // 2].T
    return point_maps(positions, values, *guide.shape)
