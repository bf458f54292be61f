"""Colour stills in memory, and crops of them as pairs of worn luma and true chroma."""

import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidprop.color.matrices import luma_matrix
from vidprop.errors import InputError
from vidprop.training.degradation import Film

Array = NDArray[Any]


@dataclass(frozen=True)
class Stills:
    """Pictures [H, W, 3] of R'G'B', uint8, and how often each is drawn (they sum to 1)."""

    pictures: tuple[Array, ...]
    shares: Array

    def __len__(self) -> int:
        return len(self.pictures)


def load_stills(
    data: Path, *, lines: int, cap: int, clips: float, hold_out: int
) -> tuple[Stills, Stills]:
    """DATA/photos/train and some frames of every clip of DATA/clips/train, for good in memory.

    Args:
        lines: pictures are shrunk to this short side at most.
        cap: photographs of one set (names equal up to '-' or '_') count as at most so many.
        clips: share of draws that are frames of clips.
        hold_out: photographs kept apart, spread over the names.
    Returns:
        What to train on, and the photographs kept apart.
    Raises:
        InputError: there are no more than `hold_out` photographs.
    """
    paths = sorted((data / "photos" / "train").glob("*.webp"))
    if len(paths) <= hold_out:
        raise InputError(f"data must hold over {hold_out} photos/train/*.webp: {data}")
    apart = paths[:: len(paths) // hold_out][:hold_out] if hold_out else []
    kept = [path for path in paths if path not in apart]
    photos = [_shrunk(_read_photo(path), lines) for path in kept]
    frames = [_frames(path, lines) for path in sorted((data / "clips" / "train").glob("*.mp4"))]
    shares = np.concatenate(
        [
            (1 - clips if frames else 1) * _normal(_capped([_set_of(path) for path in kept], cap)),
            *(np.full(len(clip), clips / len(frames) / len(clip)) for clip in frames),
        ]
    )
    validation = [_shrunk(_read_photo(path), lines) for path in apart]
    return (
        Stills(tuple(photos + [frame for clip in frames for frame in clip]), shares),
        Stills(tuple(validation), np.full(len(validation), 1 / max(1, len(validation)))),
    )


def random_crop(picture: Array, side: int, scale: tuple[float, float], rng: Any) -> Array:
    """A `side` x `side` crop [side, side, 3], uint8, of the picture at a random scale, mirrored.

    `scale` bounds the short side the picture is brought to, in crop sides.
    """
    short = min(picture.shape[:2])
    reach = short / rng.uniform(*scale)
    taken = int(np.clip(reach, 16, short))
    y, x = (int(rng.integers(0, size - taken + 1)) for size in picture.shape[:2])
    cut = picture[y : y + taken, x : x + taken]
    method = cv2.INTER_AREA if taken > side else cv2.INTER_LINEAR
    cut = cv2.resize(cut, (side, side), interpolation=method)
    return cut[:, ::-1] if rng.random() < 0.5 else cut


def planes(picture: Array) -> tuple[Array, Array]:
    """Luma [H, W], 0..1, and chroma [H, W, 2], -0.5..0.5 (BT.709), float32, of R'G'B' uint8."""
    scaled = luma_matrix("bt709").astype(np.float32) / 255
    ycc = cv2.transform(np.ascontiguousarray(picture, np.float32), scaled)
    return ycc[..., 0], ycc[..., 1:]


def worn(luma: Array, rng: np.random.Generator) -> Array:
    """Luma [H, W], 0..1, as old film shows it: grain, blur, faded contrast."""
    frame = np.rint(np.clip(luma, 0, 1) * 255).astype(np.uint8)
    return Film.sample(rng).degrade_clip(frame[None])[0].astype(np.float32) / 255


def _capped(sets: list[str], cap: int) -> Array:
    count = Counter(sets)
    return np.array([min(1.0, cap / count[name]) for name in sets])


def _normal(weights: Array) -> Array:
    return weights / weights.sum()


def _set_of(path: Path) -> str:
    return re.split("[-_]", path.stem)[0]


def _read_photo(path: Path) -> Array:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _frames(path: Path, lines: int, every: int = 16, count: int = 5) -> list[Array]:
    with av.open(str(path)) as container:
        decoded = islice(container.decode(video=0), 0, every * count, every)
        return [_shrunk(frame.to_ndarray(format="rgb24"), lines) for frame in decoded]


def _shrunk(picture: Array, lines: int) -> Array:
    short = min(picture.shape[:2])
    if short <= lines:
        return picture
    height, width = (max(1, round(side * lines / short)) for side in picture.shape[:2])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
