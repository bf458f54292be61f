"""What a method that is compared must offer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class Method(Protocol):
    """Carries the edit of the key frames to the frames of one span."""

    def propagate(self, guides: Sequence[Array], edits: Mapping[int, Array]) -> list[Array]:
        """One edit a guide, in order, those of the key frames included.

        Args:
            guides: luma [H, W], float32 in 0..1, H and W multiples of 16.
            edits: [C, H, W], of the first guide (0), of the last (len(guides) - 1), or both.
        Returns:
            [C, h, w] each, of any one size; it is enlarged bilinearly.
        """
        ...


class SparseMethod(Protocol):
    """Makes the hints on one frame dense."""

    def colour(self, luma: Array, positions: NDArray[np.int64], values: Array) -> Array:
        """The edit at every pixel.

        Args:
            luma: [H, W], float32 in 0..1, H and W multiples of 16.
            positions: [M, 2], (y, x) of the hints in `luma`.
            values: [M, C].
        Returns:
            [C, h, w] of any size; it is enlarged bilinearly.
        """
        ...


@dataclass(frozen=True)
class MethodOptions:
    """What every factory is given.

    weights: the file to use instead of what comes with the package.
    device: that networks run on, "auto" or as torch names it.
    threads: for what runs in a pool of its own.
    """

    weights: Path | None = None
    device: str = "auto"
    threads: int = 2


def resized(edit: Array, height: int, width: int) -> Array:
    """An edit [C, h, w] at another size: bilinear to enlarge, the mean of the area to reduce."""
    if edit.shape[1:] == (height, width):
        return edit
    way = cv2.INTER_AREA if height < edit.shape[1] else cv2.INTER_LINEAR
    return np.stack([cv2.resize(plane, (width, height), interpolation=way) for plane in edit])
