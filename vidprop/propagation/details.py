"""The fine detail of the key frames that frames at hand were coloured from."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial

from vidprop.edits.colour import PaintedKey
from vidprop.edits.detail import Carry, KeyDetail, nearness

from .contract import Carried
from .join import Joiner

# A frame lies between two key frames; one more is at hand where they change.
KEPT = 3


class Details:
    """Gives frames the detail of their key frames; keeps that of the few used last.

    Args:
        joiner: of the clip.
        picture: the painted key frame of a number, at the clip's size; None if there is none.
    """

    def __init__(self, joiner: Joiner, picture: Callable[[int], PaintedKey | None]) -> None:
        self._detail = lru_cache(KEPT)(partial(_detail, joiner, picture))

    def carried(self, frame: int, result: Carried | None) -> Sequence[Carry]:
        """What key frames bring to a frame; those nearer in time have the larger share."""
        if result is None:
            return ()
        size = result.edit.shape[1:]
        carries = []
        for trace in result.traces:
            detail = self._detail(trace.number, size)
            if detail is not None and trace.positions is not None:
                carries.append(Carry(detail, trace.positions, nearness(frame - trace.number)))
        return carries


def _detail(
    joiner: Joiner,
    picture: Callable[[int], PaintedKey | None],
    number: int,
    size: tuple[int, ...],
) -> KeyDetail | None:
    painted = picture(number)
    return None if painted is None else joiner.detail(painted, size)
