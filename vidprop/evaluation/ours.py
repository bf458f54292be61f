"""The package's own networks as methods to compare."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vidprop.edits.detail import Carry, KeyDetail, enlarge, nearness
from vidprop.edits.hints import HintMaps, point_maps
from vidprop.evaluation.methods import Array, resized
from vidprop.propagation.contract import KeyEdit, SpanPropagator

# Luma [H, W] and hints -> edit [C, h, w].
Filler = Callable[[Array, HintMaps], Array]


class BySpans:
    """A `SpanPropagator` as a `Method`: edits go in at half the size and come out enlarged."""

    def __init__(self, propagator: SpanPropagator) -> None:
        self._propagator = propagator

    def propagate(self, guides: Sequence[Array], edits: Mapping[int, Array]) -> list[Array]:
        """See `Method.propagate`."""
        last = len(guides) - 1
        before, after = (_key_edit(edits.get(place)) for place in (0, last))
        near, far = (_detail(edits.get(place), guides[place]) for place in (0, last))
        estimates = self._propagator.propagate(guides, before, after)
        results = []
        for place, (one, guide) in enumerate(zip(estimates, guides, strict=True)):
            sides = ((near, one.in_before, place), (far, one.in_after, last - place))
            carries = [
                Carry(detail, positions, nearness(away))
                for detail, positions, away in sides
                if detail is not None and positions is not None
            ]
            results.append(enlarge(one.edit, guide, carries))
        return results


class ByHints:
    """What fills a frame from hints, as a `SparseMethod`."""

    def __init__(self, fill: Filler) -> None:
        self._fill = fill

    def colour(self, luma: Array, positions: NDArray[np.int64], values: Array) -> Array:
        """See `SparseMethod.colour`."""
        return self._fill(luma, point_maps(positions, values, *luma.shape))


def _detail(edit: Array | None, guide: Array) -> KeyDetail | None:
    small = (guide.shape[0] // 2, guide.shape[1] // 2)
    return None if edit is None else KeyDetail.of(edit, guide, small)


def _key_edit(edit: Array | None) -> KeyEdit | None:
    if edit is None:
        return None
    return KeyEdit.full(resized(edit, edit.shape[1] // 2, edit.shape[2] // 2))
