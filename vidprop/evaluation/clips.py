"""Colour clips and photographs, decoded into memory at the size of the evaluation."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from vidprop.color.matrices import rgb_to_ycbcr, ycbcr_to_rgb
from vidprop.color.quantisation import dequantise_chroma, dequantise_luma
from vidprop.errors import DecodeError, InputError
from vidprop.evaluation.methods import Array, resized
from vidprop.video import Frame, VideoInfo, open_video, read_image

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
        DecodeError: the file is no video.
        InputError: it is grey.
    """
    with open_video(path) as video:
        planes = [_working(frame, video.info, lines) for frame in islice(video, frames)]
    if not planes:
        raise DecodeError(f"{path}: no frame could be read")
    stacked = np.stack(planes)
    return ColourClip(path.stem, stacked[:, 0], stacked[:, 1:])


def load_photo(path: Path, lines: int = 256) -> ColourClip:
    """A photograph as a clip of one frame.

    Raises:
        DecodeError: the file is no image.
        InputError: it is not in colour, with 8 or 16 bits.
    """
    image = read_image(path)
    if image.ndim != 3 or image.dtype not in (np.uint8, np.uint16):
        raise InputError(f"{path}: a colour photograph of 8 or 16 bits is needed")
    rgb = dequantise_luma(image[..., :3], 8 * image.itemsize, full_range=True)
    planes = rgb_to_ycbcr(rgb).transpose(2, 0, 1)
    working = resized(planes, *_working_size(rgb.shape, lines))
    return ColourClip(path.stem, working[:1], working[None, 1:])


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


def _working_size(shape: tuple[int, ...], lines: int) -> tuple[int, int]:
    """Height and width with a short side of about `lines`, of a plane or picture of a shape."""
    height, width = (max(1, round(side * lines / min(shape[:2]) / 16)) * 16 for side in shape[:2])
    return height, width


def _working(frame: Frame, info: VideoInfo, lines: int) -> Array:
    """Y, Cb and Cr of BT.709 at the working size: [3, H, W]."""
    if frame.chroma is None:
        raise InputError(f"{info.path}: a grey clip has no colours to compare with")
    size = _working_size(frame.luma.shape, lines)
    depth, full_range = info.format.bit_depth, info.format.full_range
    luma = resized(dequantise_luma(frame.luma[None], depth, full_range), *size)
    chroma = resized(dequantise_chroma(frame.chroma, depth, full_range), *size)
    planes = np.concatenate([luma, chroma])
    if info.matrix_name == "bt709":
        return planes
    return rgb_to_ycbcr(ycbcr_to_rgb(planes, info.matrix_name, axis=0), axis=0)
