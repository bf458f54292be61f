"""Small pictures of a few frames, picked while the clip goes by."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.edits.upsampling import reduce_plane
from vidprop.video import Frame, PlaneFormat
from vidprop.video.conversion import to_rgb

Picture = NDArray[np.uint8]

_WIDTH = 192
_PAIR_WIDTH = 480
_BLOCKS = 48
_MOST_FIXED = 96


@dataclass
class Gallery:
    """Keeps the frames asked for, and from each part of the clip the least trusted one.

    However long the clip, fewer than 150 pictures are kept.

    frames: those that will come.
    wanted: those to keep in any case, as far as there is room.
    """

    layout: PlaneFormat
    frames: range
    wanted: Iterable[int]
    pictures: dict[int, Picture] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._fixed = frozenset(sorted(set(self.wanted))[:_MOST_FIXED])
        self._worst: dict[int, tuple[float, int]] = {}

    def offer(self, frame: Frame, confidence: float) -> None:
        """Look at a frame that was written."""
        block = (frame.index - self.frames.start) * _BLOCKS // len(self.frames)
        least, holder = self._worst.get(block, (2.0, -1))
        if frame.index in self._fixed:
            self.pictures[frame.index] = self._small(frame)
        if confidence < least:
            self._worst[block] = confidence, frame.index
            self.pictures[frame.index] = self._small(frame)
            if holder not in self._fixed:
                self.pictures.pop(holder, None)

    def nearest(self, frame: int) -> int | None:
        """The kept frame closest to this one."""
        return min(self.pictures, key=lambda kept: abs(kept - frame), default=None)

    def _small(self, frame: Frame) -> Picture:
        return small_rgb(frame, self.layout, _WIDTH)


@dataclass
class BeforeAfter:
    """Grey above, coloured below, of a few frames spread over the clip."""

    layout: PlaneFormat
    frames: range

    def __post_init__(self) -> None:
        count = len(self.frames)
        self._wanted = {self.frames[count * part // 6] for part in (1, 3, 5)}
        self._pairs: list[Picture] = []

    def offer(self, grey: Frame, coloured: Frame) -> None:
        """Look at a frame before and after."""
        if coloured.index in self._wanted:
            pair = [small_rgb(frame, self.layout, _PAIR_WIDTH) for frame in (grey, coloured)]
            self._pairs.append(np.concatenate(pair, axis=0))

    def picture(self) -> Picture:
        """R'G'B' [H, W, 3]."""
        return np.concatenate(self._pairs, axis=1)


def small_rgb(frame: Frame, layout: PlaneFormat, width: int) -> Picture:
    """A frame as R'G'B', shrunk before it is converted: most of them are thrown away again."""
    scale = min(1.0, width / frame.luma.shape[1])
    size = tuple(max(1, round(side * scale)) for side in frame.luma.shape)
    planes = (frame.luma, *([] if frame.chroma is None else frame.chroma))
    luma, *chroma = (reduce_plane(plane, *size) for plane in planes)
    small = replace(frame, luma=luma, chroma=np.stack(chroma) if chroma else None, alpha=None)
    # Shrunk, the matrix of an untagged clip could no longer be told from its lines.
    matrix = layout.matrix_name(frame.luma.shape[0])
    return to_rgb(small, replace(layout, subsampling=(0, 0)), 8, matrix)


def jpeg(picture: Picture) -> bytes:
    """A picture R'G'B' [H, W, 3] as a JPEG file."""
    done, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])
    assert done
    return data.tobytes()
