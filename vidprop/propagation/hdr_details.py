"""The fine detail of the key frames that frames at hand take their radiance from."""

from collections.abc import Mapping

from vidprop.edits.hdr_detail import RadianceCarry, RadianceDetail

from .contract import Carried
from .hdr_keys import Curves, HdrKeyReader
from .keys import Key

# A frame lies between two key frames; one more is at hand where they change.
_KEPT = 3


class RadianceDetails:
    """Gives frames the detail of their key frames; keeps that of the few used last."""

    def __init__(self, keys: Mapping[int, Key], curves: Curves, reader: HdrKeyReader) -> None:
        self._keys, self._curves, self._reader = keys, curves, reader
        self._known: dict[int, RadianceDetail] = {}

    def carried(self, frame: int, result: Carried) -> list[RadianceCarry]:
        """What key frames bring to a frame; those nearer in time have the larger share."""
        size = result.edit.shape[1:]
        return [
            RadianceCarry(
                self._of(trace.number, size),
                trace.positions,
                1 / max(1, abs(frame - trace.number)),
            )
            for trace in result.traces
            if trace.positions is not None
        ]

    def _of(self, number: int, size: tuple[int, ...]) -> RadianceDetail:
        detail = self._known.pop(number) if number in self._known else self._made(number, size)
        self._known[number] = detail
        while len(self._known) > _KEPT:
            del self._known[next(iter(self._known))]
        return detail

    def _made(self, number: int, size: tuple[int, ...]) -> RadianceDetail:
        picture = self._keys[number].picture
        assert picture is not None
        curve, (shift, _) = self._curves.at(number).curve, self._curves.exposure(number)
        return RadianceDetail.of(self._reader.radiance(picture).stops, size, curve, shift)
