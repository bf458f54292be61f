"""Key frames lent to shots that have none."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from .keys import Key, similarity
from .plan import Borrowed
from .survey import Survey

# Below this a key frame shows something else, and its colours would be wrong ones.
_LEAST_SIMILARITY = 0.5


def borrow(keys: Mapping[int, Key], clip: Survey, shots: Sequence[range]) -> Iterator[Borrowed]:
    """For each of these shots the key frame most like one of its frames, and that frame.

    A shot that none resembles gets none.
    """
    scores = {
        number: similarity(key, clip.thumbnails)
        for number, key in keys.items()
        if key.luma is not None and not key.partial
    }
    for shot in shots:
        inside = slice(shot.start - clip.first, shot.stop - clip.first)
        best = max(scores, key=lambda n: float(scores[n][inside].max()), default=None)
        if best is not None and scores[best][inside].max() >= _LEAST_SIMILARITY:
            yield Borrowed(shot, best, shot.start + int(np.argmax(scores[best][inside])))
