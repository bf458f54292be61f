"""The four directions as data."""

from enum import Enum


class Direction(Enum):
    """Which way a scan walks; the value is its place in `affinities[:, i]` of `propagate`."""

    LEFT_TO_RIGHT = 0
    RIGHT_TO_LEFT = 1
    TOP_TO_BOTTOM = 2
    BOTTOM_TO_TOP = 3

    @property
    def vertical(self) -> bool:
        """Steps are rows and lanes are columns; otherwise the other way round."""
        return self in (Direction.TOP_TO_BOTTOM, Direction.BOTTOM_TO_TOP)

    @property
    def reverse(self) -> bool:
        """The walk starts at the far end of its axis."""
        return self in (Direction.RIGHT_TO_LEFT, Direction.BOTTOM_TO_TOP)
