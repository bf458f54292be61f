"""Which frames deserve another key frame."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def frames_to_paint(
    confidence: NDArray[np.floating], keys: Iterable[int], count: int = 6, apart: int | None = None
) -> list[int]:
    """The frames of least confidence, well apart from each other and from key frames.

    Args:
        confidence: [N], 0..1.
        keys: the key frames there are.
        apart: frames between any two; by default an eighth of a minute's worth at most.
    Returns:
        At most `count` frames, the most deserving first.
    """
    distance = apart if apart is not None else max(1, min(180, len(confidence) // 12))
    free = np.ones(len(confidence), bool)
    for key in keys:
        _block(free, key, distance // 2)
    chosen: list[int] = []
    while len(chosen) < count and free.any():
        worst = int(np.argmin(np.where(free, confidence, np.inf)))
        chosen.append(worst)
        _block(free, worst, distance)
    return chosen


def _block(free: NDArray[np.bool_], place: int, distance: int) -> None:
    free[max(0, place - distance) : place + distance + 1] = False
