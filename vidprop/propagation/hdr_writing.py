"""From what was carried to the output: frames are filled, made ready and written."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vidprop.edits.hdr_join import filled
from vidprop.video import Frame

from .ahead import ahead
from .contract import Array
from .hdr_clip import Signal
from .hdr_details import RadianceDetails
from .hdr_gallery import HdrGallery
from .hdr_keys import Curves
from .hdr_output import HdrOutput
from .hdr_setup import Setup
from .look import Known
from .progress import Counter
from .results import Results
from .spool import Spool


class Filled(NamedTuple):
    """A frame, its R'G'B', the stops found for it, and how far they can be trusted."""

    frame: Frame
    signal: Signal
    stops: Array
    confidence: float


@dataclass(frozen=True)
class Filler:
    """Joins what was carried with what frames show."""

    setup: Setup
    known: Known
    curves: Curves
    results: Results

    @cached_property
    def _details(self) -> RadianceDetails:
        return RadianceDetails(self.known.keys, self.known.survey.guides, self.setup.reader)

    def frames(self, skipped: int = 0) -> Iterator[Filled]:
        """Frames of the excerpt, in order; waits for what is not yet carried.

        The next one is made ready meanwhile.
        """
        yield from ahead(self._frames(self.known.frames.start + skipped), 1)

    def _frames(self, start: int) -> Iterator[Filled]:
        if start >= self.known.frames.stop:
            return
        with closing(self.setup.clip.clip.frames(start)) as frames:
            for frame in frames:
                yield self._filled(frame, self.setup.clip.signal(frame))

    def _filled(self, frame: Frame, signal: Signal) -> Filled:
        key = self.known.keys.get(frame.index)
        if key is not None and key.picture is not None:
            stops = self.setup.reader.radiance(key.picture).stops
            return Filled(frame, signal, stops, 1.0)
        shot = self.curves.at(frame.index)
        carried = self.results.of(frame.index)
        if carried is None:
            offset = np.asarray(shot.nearest_offset(frame.index), np.float32)
            return Filled(frame, signal, shot.curve.stops(signal) + offset, 0.0)
        guide = self.setup.clip.clip.guide(frame)
        details = self._details.carried(frame.index, guide, carried)
        stops = filled(carried.edit, signal, shot.curve, details)
        return Filled(frame, signal, stops, carried.trust)


def write(filler: Filler, output: HdrOutput, gallery: HdrGallery, folder: Path) -> Array:
    """Write all frames; give back the confidence of each, [N].

    Args:
        folder: for frames that must be measured before the first is written. Those that find
            no room there are filled once more.
    """
    frames = len(filler.known.frames)
    counter = Counter("write", frames * (1 + output.twice), filler.setup.on_progress)
    confidence: list[float] = []

    def ready(skipped: int = 0) -> Iterator[Frame]:
        offset = filler.setup.clip.clip.offset
        for one in filler.frames(skipped):
            frame = replace(one.frame, index=one.frame.index - offset)
            yield output.ready(frame, one.stops)
            if len(confidence) < frames:
                gallery.offer(one.frame.index, one.signal, one.stops, one.confidence)
                confidence.append(one.confidence)

    with closing(Spool(folder)) as spool:
        if output.twice:
            for frame in ready():
                spool.offer(frame)
                counter.add()
        with output:
            for frame in chain(spool.frames(), ready(len(spool))):
                output.write(frame)
                counter.add()
    return np.array(confidence, np.float32)
