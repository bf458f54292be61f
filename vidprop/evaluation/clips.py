"""Colour clips and photographs, decoded into memory at the size of the evaluation."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.color.matrices import rgb_to_ycbcr, ycbcr_to_rgb
from vidprop.errors import DecodeError, InputError
from vidprop.evaluation.methods import Array, resized

CLIP_SUFFIXES = (".mp4", ".mkv", ".mov", ".webm", ".avi")
PHOTO_SUFFIXES = (".png", ".webp", ".jpg", ".jpeg", ".bmp", ".tif")


@dataclass(frozen=True)
class ColourClip:
    """A clip whose colours are known.

    luma: [T, H, W], float32 in 0..1; H and W are multiples of 16.
    chroma: [T, 2, H, W], float32: Cb and Cr (BT.709) in -0.5..0.5, at the size of the luma.
    """

    name: str
    luma: Array
    chroma: Array

    def __len__(self) -> int:
        return len(self.luma)

    def rgb(self, frame: int, chroma: Array | None = None) -> Array:
        """A frame as [H, W, 3], R'G'B' in 0..1, with its own chroma or another [2, h, w]."""
        return to_rgb(self.luma[frame], self.chroma[frame] if chroma is None else chroma)


def to_rgb(luma: Array, chroma: Array) -> Array:
    """R'G'B' [H, W, 3] in 0..1 of luma [H, W] and chroma [2, h, w], which is enlarged to it."""
    planes = np.concatenate([luma[None], resized(chroma, *luma.shape)])
    return np.clip(ycbcr_to_rgb(planes.transpose(1, 2, 0)), 0, 1)


def load_clip(path: Path, lines: int = 256, frames: int | None = None) -> ColourClip:
    """The first frames of a video file, its short side about `lines` pixels.

    Raises:
        DecodeError: the file is no video, or has no frame.
    """
    decoded = [_working(planes, lines) for planes in islice(_decode(path), frames)]
    if not decoded:
        raise DecodeError(f"{path}: no frame could be read")
    planes = np.stack(decoded)
    return ColourClip(path.stem, planes[:, 0], planes[:, 1:])


def load_photo(path: Path, lines: int = 256) -> ColourClip:
    """A photograph as a clip of one frame.

    Raises:
        DecodeError: the file is no image.
    """
    bgr = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise DecodeError(f"{path}: not an image")
    planes = rgb_to_ycbcr(np.float32(bgr[..., ::-1] / 255)).transpose(2, 0, 1)
    working = _working(planes, lines)[None]
    return ColourClip(path.stem, working[:, 0], working[:, 1:])


def load_first(path: Path, lines: int = 256) -> ColourClip:
    """The first frame of a video file, or a photograph, as a clip of one frame."""
    if path.suffix.lower() in PHOTO_SUFFIXES:
        return load_photo(path, lines)
    return load_clip(path, lines, frames=1)


def clip_paths(folder: Path, suffixes: tuple[str, ...] = CLIP_SUFFIXES) -> list[Path]:
    """The files of a folder with such endings, by name, or the one file given itself.

    Raises:
        InputError: there is none.
    """
    found = [folder] if folder.is_file() else sorted(folder.glob("*"))
    paths = [path for path in found if path.suffix.lower() in suffixes]
    if not paths:
        raise InputError(f"{folder}: no file ends in {', '.join(suffixes)}")
    return paths


def _working(planes: NDArray[Any], lines: int) -> Array:
    height, width = planes.shape[1:]
    scale = lines / min(height, width)
    return resized(planes, *(max(1, round(side * scale / 16)) * 16 for side in (height, width)))


def _decode(path: Path) -> Iterator[Array]:
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                codes = frame.to_ndarray(format="yuv444p").astype(np.float32)
                yield _unit(codes, full_range=frame.color_range == 2)
    except (av.FFmpegError, IndexError) as error:
        raise DecodeError(f"{path}: {error}") from error


def _unit(codes: Array, full_range: bool) -> Array:
    offset, scale = ([0, 128, 128], [255] * 3) if full_range else ([16, 128, 128], [219, 224, 224])
    column = np.array([offset, scale], np.float32)[:, :, None, None]
    return (codes - column[0]) / column[1]
