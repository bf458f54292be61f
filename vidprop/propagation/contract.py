"""What carries an edit through one stretch of a clip, and what it is given and gives back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vidprop.alignment import compose, identity_positions

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class KeyEdit:
    """The edit of one key frame, at half the working size.

    edit: [C, h, w], float32; for colour Cb and Cr in [-0.5, 0.5].
    coverage: [1, h, w], float32 in 0..1, the share of each pixel that was painted:
        1 everywhere for a full key frame.
    """

    edit: Array
    coverage: Array

    @classmethod
    def full(cls, edit: Array) -> "KeyEdit":
        """A key frame painted everywhere."""
        return cls(edit, np.ones((1, *edit.shape[1:]), np.float32))


@dataclass(frozen=True, slots=True)
class Estimate:
    """The edit of one frame: [C, h, w], and how far it can be trusted: [h, w] in 0..1.

    in_before, in_after: [h, w, 2], where each pixel was in the key frames, as (x, y);
        None if there is no such key frame, or the propagator cannot tell.
    """

    edit: Array
    confidence: Array
    in_before: Array | None = None
    in_after: Array | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """Where each pixel of a frame was in a key frame.

    number: the key frame's.
    positions: [h, w, 2] as (x, y), at the size of edits; None in the key frame itself.
    """

    number: int
    positions: Array | None = None

    def followed(self, positions: Array) -> "Trace":
        """The same key frame, for a frame whose pixels were at `positions` of this one."""
        if self.positions is None:
            return Trace(self.number, positions)
        here = identity_positions(*positions.shape[:2])
        return Trace(self.number, compose(positions - here, self.positions))


@dataclass(frozen=True, slots=True)
class Carried:
    """What came to a frame: its edit [C, h, w], how far to trust it in 0..1, and from where."""

    edit: Array
    trust: float
    traces: tuple[Trace, ...] = ()


class SpanPropagator(Protocol):
    """Carries the edits at the ends of a stretch to every frame of it.

    An implementation keeps nothing from one call to the next, so that a stretch
    gives the same result whether or not the run was interrupted before it.
    """

    def propagate(
        self, guides: Sequence[Array], before: KeyEdit | None, after: KeyEdit | None
    ) -> Iterator[Estimate]:
        """One estimate for every guide, in order, those of the key frames included.

        Args:
            guides: luma at the working size, [H, W], float32 in 0..1, H and W
                multiples of 16; the first is the frame of `before`, the last that
                of `after`. Any may be read any number of times.
            before, after: at least one of them.
        """
        ...
