"""The key frames that frames at hand take their radiance from, at full size."""

from collections.abc import Mapping
from functools import lru_cache, partial

from vidprop.edits.detail import nearness
from vidprop.edits.hdr_detail import KeyRadiance, RadianceCarry

from .contract import Carried
from .details import KEPT
from .hdr_keys import HdrKeyReader
from .keys import Key
from .survey import Guide


class RadianceDetails:
    """Gives frames their key frames; keeps the few used last.

    Args:
        guides: the key frames as the clip shows them, by number.
    """

    def __init__(
        self, keys: Mapping[int, Key], guides: Mapping[int, Guide], reader: HdrKeyReader
    ) -> None:
        self._key = lru_cache(KEPT)(partial(_key, keys, guides, reader))

    def carried(self, frame: int, guide: Guide, result: Carried) -> list[RadianceCarry]:
        """What key frames bring to a frame; those nearer in time have the larger share."""
        return [
            self._key(trace.number).carried(guide, trace.positions, nearness(frame - trace.number))
            for trace in result.traces
            if trace.positions is not None
        ]


def _key(
    keys: Mapping[int, Key], guides: Mapping[int, Guide], reader: HdrKeyReader, number: int
) -> KeyRadiance:
    picture = keys[number].picture
    assert picture is not None
    return KeyRadiance(reader.radiance(picture).stops, guides[number])
