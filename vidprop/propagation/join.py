"""A frame's own luma and a propagated edit, joined to the frame that is written."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vidprop.edits.colour import PaintedKey, chroma_codes, chroma_planes, over
from vidprop.edits.upsampling import reduce_plane
from vidprop.video import Frame, PlaneFormat

from .contract import Array

Codes = NDArray[np.unsignedinteger]


@dataclass(frozen=True, slots=True)
class Joiner:
    """Makes output frames of one clip; `written` is the layout of their planes."""

    written: PlaneFormat

    @classmethod
    def of(cls, read: PlaneFormat) -> "Joiner":
        """For a clip of layout `read`: a grey one gets chroma planes of half its size."""
        return cls(replace(read, grey=False, subsampling=(1, 1)) if read.grey else read)

    def join(self, frame: Frame, edit: Array | None, key: PaintedKey | None = None) -> Frame:
        """The frame with its luma untouched and new chroma.

        edit: [2, h, w] at the size of propagation; None leaves the frame grey.
        key: a painted picture of this frame; where it covers, it is taken as it is.
        """
        luma = self._luma(frame.luma)
        if edit is None:
            chroma: Array = np.zeros((2, *luma.shape), np.float32)
        else:
            chroma = chroma_planes(edit, luma, self.written.bit_depth, self.written.full_range)
        if key is not None:
            chroma = over(key, chroma)
        codes = chroma_codes(chroma, self.written.bit_depth, self.written.full_range)
        return replace(frame, chroma=codes)

    def _luma(self, luma: Codes) -> Codes:
        """Luma at the size of the chroma planes."""
        shifts = self.written.subsampling
        height, width = (-(-side >> 0) for side in luma.shape)
        return reduce_plane(luma, -(-height // 2 ** shifts[1]), -(-width // 2 ** shifts[0]))


def side_by_side(left: Frame, right: Frame) -> Frame:
    """One frame of twice the width."""
    assert left.chroma is not None
    assert right.chroma is not None
    return replace(
        right,
        luma=np.concatenate([left.luma, right.luma], axis=1),
        chroma=np.concatenate([left.chroma, right.chroma], axis=2),
    )
