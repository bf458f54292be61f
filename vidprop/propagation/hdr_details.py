"""The key frames that frames at hand take their radiance from, at full size."""

from collections.abc import Mapping
from functools import lru_cache, partial

from vidprop.edits.detail import nearness
from vidprop.edits.hdr_detail import RadianceCarry

from .contract import Array, Carried
from .details import KEPT
from .hdr_keys import HdrKeyReader
from .keys import Key


class RadianceDetails:
    """Gives frames their key frames; keeps the few used last."""

    def __init__(self, keys: Mapping[int, Key], reader: HdrKeyReader) -> None:
        self._stops = lru_cache(KEPT)(partial(_stops, keys, reader))

    def carried(self, frame: int, result: Carried) -> list[RadianceCarry]:
        """What key frames bring to a frame; those nearer in time have the larger share."""
        return [
            RadianceCarry(
                self._stops(trace.number), trace.positions, nearness(frame - trace.number)
            )
            for trace in result.traces
            if trace.positions is not None
        ]


def _stops(keys: Mapping[int, Key], reader: HdrKeyReader, number: int) -> Array:
    picture = keys[number].picture
    assert picture is not None
    return reader.radiance(picture).stops
