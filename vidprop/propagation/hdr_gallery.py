"""Tone-mapped pictures of an HDR clip, for reports and to look at without an HDR screen."""

from dataclasses import dataclass, field
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.edits.hdr import tone_mapped
from vidprop.video import Frame, PlaneFormat
from vidprop.video.conversion import from_rgb

from .contract import Array
from .gallery import Gallery

Picture = NDArray[np.uint8]

_LAYOUT = PlaneFormat(rgb=True, matrix="bt709")
_WIDTH, _SHEET_WIDTH = 192, 480
_DARKER = 3.0


@dataclass
class HdrGallery:
    """Offers frames to a `Gallery`, and keeps a few for a sheet.

    frames: those that will come. keys: those to keep. white: stops of diffuse white.
    """

    frames: range
    keys: tuple[int, ...]
    white: float
    pictures: Gallery = field(init=False)

    def __post_init__(self) -> None:
        self.pictures = Gallery(_LAYOUT, self.frames, self.keys)
        count = len(self.frames)
        self._wanted = {self.frames[count * part // 6] for part in (1, 3, 5)}
        self._columns: list[Picture] = []

    def offer(self, index: int, signal: Array, stops: Array, confidence: float) -> None:
        """Look at a frame: its picture and its stops, [H, W, 3]."""
        small = tone_mapped(_shrunk(stops, _WIDTH) - np.float32(self.white))
        luma, chroma = from_rgb(small, 8)
        self.pictures.offer(Frame(index, Fraction(0), luma, chroma), confidence)
        if index in self._wanted:
            self._columns.append(_column(signal, stops - np.float32(self.white)))

    def sheet(self) -> Picture:
        """Three frames: as they were, the result, and the result three stops darker."""
        return np.concatenate(self._columns, axis=1)


def _column(signal: Array, stops: Array) -> Picture:
    ldr = np.rint(_shrunk(signal, _SHEET_WIDTH) * 255).astype(np.uint8)
    small = _shrunk(stops, _SHEET_WIDTH)
    return np.concatenate([ldr, tone_mapped(small), tone_mapped(small - _DARKER)])


def _shrunk(image: Array, width: int) -> Array:
    scale = min(1.0, width / image.shape[1])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return cv2.resize(np.asarray(image, np.float32), size, interpolation=cv2.INTER_AREA)
