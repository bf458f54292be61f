"""A frame's own luma and a propagated edit, joined to the frame that is written."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vidprop.color.quantisation import dequantise_luma
from vidprop.edits.colour import PaintedKey, chroma_codes, over
from vidprop.edits.upsampling import reduce_plane, upsample
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
        """The frame with its luma untouched and new chroma; see `chroma`."""
        chroma = self.chroma(frame.luma, edit, key)
        codes = chroma_codes(chroma, self.written.bit_depth, self.written.full_range)
        return replace(frame, chroma=codes)

    def chroma(
        self, luma: Codes | Array, edit: Array | None, key: PaintedKey | None = None
    ) -> Array:
        """Chroma planes [2, h, w] in [-0.5, 0.5] at the size the layout stores.

        Args:
            luma: codes or, if floating, 0..1; [H, W].
            edit: [2, h', w'] at the size of propagation; None leaves the frame grey.
            key: a painted picture of this frame; where it covers, it is taken as it is.
        """
        small = self._unit(reduce_plane(luma, *self._chroma_size(*luma.shape)))
        chroma: Array = np.zeros((2, *small.shape), np.float32)
        if edit is not None:
            chroma = upsample(edit, small)
        return chroma if key is None else over(key, chroma)

    def _unit(self, luma: Codes | Array) -> Array:
        if np.issubdtype(luma.dtype, np.floating):
            return luma.astype(np.float32)
        return dequantise_luma(luma, self.written.bit_depth, self.written.full_range)

    def _chroma_size(self, height: int, width: int) -> tuple[int, int]:
        across, down = self.written.subsampling
        return -(-height // 2**down), -(-width // 2**across)


def side_by_side(left: Frame, right: Frame) -> Frame:
    """One frame of twice the width."""
    assert left.chroma is not None
    assert right.chroma is not None
    return replace(
        right,
        luma=np.concatenate([left.luma, right.luma], axis=1),
        chroma=np.concatenate([left.chroma, right.chroma], axis=2),
    )
