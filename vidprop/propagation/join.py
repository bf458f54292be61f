"""A frame's own luma and a propagated edit, joined to the frame that is written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.color.quantisation import dequantise_luma
from vidprop.edits.colour import PaintedKey, chroma_codes, over
from vidprop.edits.detail import Carry, KeyDetail, enlarge
from vidprop.edits.upsampling import reduce_plane
from vidprop.video import Frame, PlaneFormat

from .contract import Array

Plane = NDArray[Any]

# Where chroma samples sit, in shares of the way from the first luma sample they stand for to
# the last, (across, down). Untagged files are sited as MPEG-2 and its successors do.
_SITES = {
    "center": (0.5, 0.5),
    "topleft": (0.0, 0.0),
    "top": (0.5, 0.0),
    "bottomleft": (0.0, 1.0),
    "bottom": (0.5, 1.0),
}
_LEFT = (0.0, 0.5)


@dataclass(frozen=True, slots=True)
class Joiner:
    """Makes output frames of one clip; `written` is the layout of their planes."""

    written: PlaneFormat

    def join(
        self,
        frame: Frame,
        edit: Array | None,
        key: PaintedKey | None = None,
        details: Sequence[Carry] = (),
    ) -> Frame:
        """The frame with its luma untouched and new chroma; see `chroma`."""
        return replace(frame, chroma=self.codes(self.chroma(frame.luma, edit, key, details)))

    def codes(self, chroma: Array) -> Plane:
        """Chroma as the layout stores it."""
        return chroma_codes(chroma, self.written.bit_depth, self.written.full_range)

    def chroma(
        self,
        luma: Plane,
        edit: Array | None,
        key: PaintedKey | None = None,
        details: Sequence[Carry] = (),
    ) -> Array:
        """Chroma planes [2, h, w] in [-0.5, 0.5] at the size and the sites of the layout.

        Args:
            luma: codes or, if floating, 0..1; [H, W].
            edit: [2, h', w'] at the size of propagation; None leaves the frame grey.
            key: a painted picture of this frame; where it covers, it is taken as it is.
            details: what other key frames bring, from `detail`.
        """
        size = self.written.chroma_size(*luma.shape)
        across, down = self._shift()
        chroma: Array = np.zeros((2, *size), np.float32)
        if edit is not None:
            ratio = edit.shape[2] / luma.shape[1], edit.shape[1] / luma.shape[0]
            guide = self._unit(reduce_plane(shifted(luma, across, down), *size))
            chroma = enlarge(shifted(edit, across * ratio[0], down * ratio[1]), guide, details)
        if key is None:
            return chroma
        return over(_key_at(key, across, down), chroma)

    def detail(self, key: PaintedKey, small: tuple[int, ...]) -> KeyDetail | None:
        """What a key frame brings to edits of the size `small`, if anything."""
        height, width = self.written.chroma_size(*key.luma.shape)
        across, down = self._shift()
        planes = [*key.chroma, key.luma, key.coverage]
        *chroma, luma, coverage = (
            reduce_plane(shifted(plane, across, down), height, width) for plane in planes
        )
        return KeyDetail.of(np.stack(chroma), luma, (small[0], small[1]), coverage)

    def _unit(self, luma: Plane) -> Array:
        if np.issubdtype(luma.dtype, np.floating):
            return luma.astype(np.float32)
        return dequantise_luma(luma, self.written.bit_depth, self.written.full_range)

    def _shift(self) -> tuple[float, float]:
        """How far chroma sites lie from the middle of their luma samples, in luma samples."""
        site = _SITES.get(self.written.chroma_location, _LEFT)
        across, down = (2**halvings - 1 for halvings in self.written.subsampling)
        return (site[0] - 0.5) * across, (site[1] - 0.5) * down


def shifted(planes: Plane, across: float, down: float) -> Plane:
    """Planes [H, W] or [C, H, W] sampled so far to the right and below; borders repeat."""
    if not across and not down:
        return planes
    if planes.ndim == 3:
        return np.stack([shifted(plane, across, down) for plane in planes])
    matrix = np.array([[1, 0, across], [0, 1, down]])
    floating = np.issubdtype(planes.dtype, np.floating)
    method = cv2.INTER_CUBIC if floating else cv2.INTER_LINEAR
    moved: Plane = cv2.warpAffine(
        planes,
        matrix,
        planes.shape[::-1],
        flags=method | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return moved


def side_by_side(left: Frame, right: Frame) -> Frame:
    """One frame of twice the width."""
    assert left.chroma is not None
    assert right.chroma is not None
    return replace(
        right,
        luma=np.concatenate([left.luma, right.luma], axis=1),
        chroma=np.concatenate([left.chroma, right.chroma], axis=2),
        alpha=None if right.alpha is None else np.tile(right.alpha, 2),
    )


def _key_at(key: PaintedKey, across: float, down: float) -> PaintedKey:
    coverage = shifted(key.coverage, across, down) if key.partial else key.coverage
    return PaintedKey(key.luma, shifted(key.chroma, across, down), coverage)
