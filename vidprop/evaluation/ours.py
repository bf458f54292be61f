"""The package's own networks as methods to compare."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from vidprop.edits.hints import point_maps
from vidprop.edits.upsampling import upsample
from vidprop.evaluation.methods import Array, resized
from vidprop.propagation.contract import KeyEdit, SpanPropagator

# Luma [1, 1, H, W], hints [1, C, h, w], mask [1, 1, h, w] -> edit [1, C, h, w].
SpatialModel = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


class BySpans:
    """A `SpanPropagator` as a `Method`: edits go in at half the size and come out enlarged."""

    def __init__(self, propagator: SpanPropagator) -> None:
        self._propagator = propagator

    def propagate(self, guides: Sequence[Array], edits: Mapping[int, Array]) -> list[Array]:
        """See `Method.propagate`."""
        before, after = (_key_edit(edits.get(place)) for place in (0, len(guides) - 1))
        estimates = self._propagator.propagate(guides, before, after)
        return [upsample(one.edit, guide) for one, guide in zip(estimates, guides, strict=True)]


class ByHints:
    """A spatial network as a `SparseMethod`."""

    def __init__(self, network: SpatialModel) -> None:
        self._network = network

    def colour(self, luma: Array, positions: NDArray[np.int64], values: Array) -> Array:
        """See `SparseMethod.colour`."""
        maps = point_maps(positions, values, *luma.shape)
        planes = (luma[None], maps.edit, maps.mask)
        with torch.inference_mode():
            edit = self._network(*(torch.from_numpy(plane)[None] for plane in planes))
        return edit[0].numpy()


def _key_edit(edit: Array | None) -> KeyEdit | None:
    if edit is None:
        return None
    return KeyEdit.full(resized(edit, edit.shape[1] // 2, edit.shape[2] // 2))
