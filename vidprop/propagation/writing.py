"""Writes a clip while its edits are still being worked out."""

from contextlib import closing
from dataclasses import replace

import numpy as np

from vidprop.edits.colour import PaintedKey
from vidprop.video import Frame

from .contract import Array
from .details import Details
from .gallery import BeforeAfter, Gallery
from .join import side_by_side
from .keys import Key
from .look import Known
from .progress import Counter
from .results import Results
from .setup import Setup


def write(
    setup: Setup, known: Known, results: Results, gallery: Gallery, pairs: BeforeAfter
) -> Array:
    """Write every frame of the output; give back the confidence of each, [N].

    Args:
        gallery, pairs: are offered every frame.

    Raises:
        EncodeError: the output cannot be written; nothing of it is left.
    """
    counter = Counter("write", len(known.frames), setup.on_progress)
    details = Details(setup.joiner, lambda number: _painted(setup, known.keys.get(number)))
    confidence = []
    with setup.writer as writer, closing(setup.clip.frames()) as frames:
        for frame in frames:
            result = results.of(frame.index)
            key = known.keys.get(frame.index)
            edit = None if result is None else result.edit
            fine = details.carried(frame.index, result)
            coloured = setup.joiner.join(frame, edit, _painted(setup, key), fine)
            writer.write(_shown(setup, frame, coloured))
            trust = 0.0 if result is None else result.trust
            confidence.append(1.0 if key and not key.partial else trust)
            gallery.offer(coloured, confidence[-1])
            pairs.offer(replace(frame, chroma=None), coloured)
            counter.add()
    return np.array(confidence, np.float32)


def _painted(setup: Setup, key: Key | None) -> PaintedKey | None:
    # Read again: at full size, all key frames of a film would not fit into memory.
    if key is None or key.picture is None:
        return None
    return setup.reader.painted(key.picture)


def _shown(setup: Setup, frame: Frame, coloured: Frame) -> Frame:
    index = frame.index - setup.clip.offset
    if not setup.job.compare:
        return replace(coloured, index=index)
    return replace(side_by_side(setup.joiner.join(frame, None), coloured), index=index)
