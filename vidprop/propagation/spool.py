"""Frames kept on disk between two passes over a clip, as far as there is room."""

import shutil
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from vidprop.video import Frame

MOST_BYTES = 4 * 2**30
"""Some 5500 frames of 480x270, or 350 of 1920x1080, in three planes of 16 bits."""
# Of the room that is left on the disk, at most one part in so many is used.
_SHARE = 4


class Spool:
    """Takes frames in order, up to a number of bytes, and gives them back in order.

    Frames have luma and chroma, of one size and type. The file has no name, so nothing is left
    whatever happens; close it after use.

    Args:
        folder: on the disk to use.
        most: bytes; what is free on that disk bounds it further.
    """

    def __init__(self, folder: Path, most: int = MOST_BYTES) -> None:
        self._room = min(most, shutil.disk_usage(folder).free // _SHARE)
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (see close)
        self._known: list[tuple[int, Fraction]] = []
        self._planes: tuple[NDArray[Any], ...] = ()

    def __len__(self) -> int:
        return len(self._known)

    def offer(self, frame: Frame) -> None:
        """Keep a frame, if it and all before it find room."""
        assert frame.chroma is not None
        planes = frame.luma, frame.chroma
        self._room -= sum(plane.nbytes for plane in planes)
        if self._room < 0:
            return
        for plane in planes:
            self._file.write(np.ascontiguousarray(plane).data)
        self._known.append((frame.index, frame.time))
        self._planes = self._planes or tuple(np.empty_like(plane) for plane in planes)

    def frames(self) -> Iterator[Frame]:
        """Every frame that was kept, in order."""
        self._file.seek(0)
        for index, time in self._known:
            luma, chroma = (self._read(np.empty_like(plane)) for plane in self._planes)
            yield Frame(index, time, luma, chroma)

    def close(self) -> None:
        """Let go of the frames."""
        self._file.close()

    def _read(self, plane: NDArray[Any]) -> NDArray[Any]:
        view = plane.data.cast("B")
        while view:
            view = view[self._file.readinto(view) :]  # type: ignore[attr-defined]
        return plane
