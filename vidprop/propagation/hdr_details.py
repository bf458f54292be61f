"""The key frames that frames at hand take their radiance from, at full size."""

from collections.abc import Mapping

from vidprop.edits.hdr_detail import RadianceCarry

from .contract import Array, Carried
from .hdr_keys import HdrKeyReader
from .keys import Key

# A frame lies between two key frames; one more is at hand where they change.
_KEPT = 3


class RadianceDetails:
    """Gives frames their key frames; keeps the few used last."""

    def __init__(self, keys: Mapping[int, Key], reader: HdrKeyReader) -> None:
        self._keys, self._reader = keys, reader
        self._known: dict[int, Array] = {}

    def carried(self, frame: int, result: Carried) -> list[RadianceCarry]:
        """What key frames bring to a frame; those nearer in time have the larger share."""
        return [
            RadianceCarry(
                self._stops(trace.number),
                trace.positions,
                1 / max(1, abs(frame - trace.number)),
            )
            for trace in result.traces
            if trace.positions is not None
        ]

    def _stops(self, number: int) -> Array:
        stops = self._known.pop(number) if number in self._known else self._read(number)
        self._known[number] = stops
        while len(self._known) > _KEPT:
            del self._known[next(iter(self._known))]
        return stops

    def _read(self, number: int) -> Array:
        picture = self._keys[number].picture
        assert picture is not None
        return self._reader.radiance(picture).stops
