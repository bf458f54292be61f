"""The fine detail of the key frames that frames at hand were coloured from."""

from collections.abc import Callable, Sequence

from vidprop.edits.colour import PaintedKey
from vidprop.edits.detail import Carry, KeyDetail

from .contract import Carried
from .join import Joiner

# A frame lies between two key frames; one more is at hand where they change.
_KEPT = 3


class Details:
    """Gives frames the detail of their key frames; keeps that of the few used last.

    Args:
        joiner: of the clip.
        picture: the painted key frame of a number, at the clip's size; None if there is none.
    """

    def __init__(self, joiner: Joiner, picture: Callable[[int], PaintedKey | None]) -> None:
        self._joiner, self._picture = joiner, picture
        self._known: dict[int, KeyDetail | None] = {}

    def carried(self, frame: int, result: Carried | None) -> Sequence[Carry]:
        """What key frames bring to a frame; those nearer in time have the larger share."""
        if result is None:
            return ()
        size = result.edit.shape[1:]
        carries = []
        for trace in result.traces:
            detail = self._of(trace.number, size)
            if detail is not None and trace.positions is not None:
                share = 1 / max(1, abs(frame - trace.number))
                carries.append(Carry(detail, trace.positions, share))
        return carries

    def _of(self, number: int, size: tuple[int, ...]) -> KeyDetail | None:
        detail = self._known.pop(number) if number in self._known else self._made(number, size)
        self._known[number] = detail
        while len(self._known) > _KEPT:
            del self._known[next(iter(self._known))]
        return detail

    def _made(self, number: int, size: tuple[int, ...]) -> KeyDetail | None:
        picture = self._picture(number)
        return None if picture is None else self._joiner.detail(picture, size)
