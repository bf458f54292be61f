"""A clip as the HDR edit reads it: frames, and guides, in R'G'B'."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vidprop.color.matrices import BT709, BT2020, P3_D65, MatrixName, Primaries
from vidprop.edits.upsampling import reduce_plane
from vidprop.video import Frame, PlaneFormat
from vidprop.video.conversion import to_rgb

from .clip import Clip

Signal = NDArray[np.float32]
# R'G'B' [H, W, 3] in 0..255: halves are finer than the codes of 10 bits.
Guide = NDArray[np.float16]

# Frames that are decoded more quickly than a clip is opened and one is sought.
_READ_ON = 40
_PRIMARIES = {"bt2020": BT2020, "smpte432": P3_D65}


@dataclass(frozen=True, slots=True)
class SignalClip:
    """A `Clip` whose guides are signals; may stand where a `GuideReader` wants a clip."""

    clip: Clip

    @property
    def primaries(self) -> Primaries:
        """Those of the clip's R'G'B'; BT.709 unless it says otherwise."""
        return _PRIMARIES.get(self.clip.info.format.primaries, BT709)

    def signal(self, frame: Frame) -> Signal:
        """R'G'B' [H, W, 3] of a frame, 0..1."""
        return _signal(frame, self.clip.info.format)

    def signals(self, numbers: Iterable[int]) -> Iterator[tuple[int, Signal]]:
        """The same of some frames of the clip, by number."""
        for near in _runs(sorted(numbers)):
            with closing(self.clip.frames(near[0])) as frames:
                for number in near:
                    frame = next(frame for frame in frames if frame.index == number)
                    yield number, self.signal(frame)

    def guides(self, start: int | None = None) -> Iterator[tuple[int, Guide]]:
        """Numbered guides from `start` on, at the working size."""
        for frame in self.clip.frames(start):
            yield frame.index, self._guide(frame)

    def _guide(self, frame: Frame) -> Guide:
        height, width = self.clip.working
        layout = self.clip.info.format
        planes = [frame.luma] if frame.chroma is None else [frame.luma, *frame.chroma]
        luma, *chroma = (reduce_plane(plane, height, width) for plane in planes)
        small = replace(frame, luma=luma, chroma=np.stack(chroma) if chroma else None, alpha=None)
        # Shrunk, the matrix of an untagged clip could no longer be told from its lines.
        matrix = layout.matrix_name(self.clip.info.height)
        signal = _signal(small, replace(layout, subsampling=(0, 0)), matrix)
        return (signal * np.float32(255)).astype(np.float16)


def _runs(numbers: Sequence[int]) -> Iterator[list[int]]:
    """Numbers in order, in parts between which a clip is better opened anew than read on."""
    starts = [i for i, number in enumerate(numbers) if not i or number - numbers[i - 1] > _READ_ON]
    for start, end in pairwise([*starts, len(numbers)]):
        yield list(numbers[start:end])


def _signal(frame: Frame, layout: PlaneFormat, matrix: MatrixName | None = None) -> Signal:
    return to_rgb(frame, layout, 16, matrix).astype(np.float32) / np.float32(65535)
