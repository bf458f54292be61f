"""The package's own propagation as one of the methods compared."""

from collections.abc import Mapping, Sequence

from vidprop.evaluation.methods import Array, resized
from vidprop.propagation.contract import KeyEdit, SpanPropagator


class BySpans:
    """A `SpanPropagator` as a `Method`: edits go in and come out at half the size."""

    def __init__(self, propagator: SpanPropagator) -> None:
        self._propagator = propagator

    def propagate(self, guides: Sequence[Array], edits: Mapping[int, Array]) -> list[Array]:
        """See `Method.propagate`."""
        before, after = (_key_edit(edits.get(place)) for place in (0, len(guides) - 1))
        return [one.edit for one in self._propagator.propagate(guides, before, after)]


def _key_edit(edit: Array | None) -> KeyEdit | None:
    if edit is None:
        return None
    return KeyEdit.full(resized(edit, edit.shape[1] // 2, edit.shape[2] // 2))
