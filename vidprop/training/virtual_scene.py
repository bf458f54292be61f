"""What a virtual camera looks at: panoramas, photographs, and cut-outs moving before them.

Radiance is linear RGB of Rec.709 primaries, float32, with a geometric mean
luminance of about 0.18.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import OpenEXR
from numpy.typing import NDArray

from vidprop.errors import DecodeError, InputError

Array = NDArray[Any]

MIDDLE_GREY = 0.18
GRID = 8  # pixels between exactly computed rays; the rest is interpolated


@dataclass(frozen=True, slots=True)
class View:
    """A pinhole camera: radians, and the focal length in pixels of the frame."""

    yaw: float
    pitch: float
    roll: float
    focal: float


class Backdrop(Protocol):
    """Something that fills the whole frame."""

    def grid(self, view: View, size: tuple[int, int]) -> Array:
        """Where every `GRID`-th pixel of a frame of `size` (height, width) looks: [h, w, 2]."""
        ...

    def sample(self, positions: Array) -> Array:
        """Radiance [H, W, 3] at positions [H, W, 2], x and y."""
        ...

    def start(self, rng: np.random.Generator, size: tuple[int, int]) -> View:
        """A view to begin a shot with, at a scale that shows what detail there is."""
        ...


class Panorama:
    """An equirectangular panorama seen from its centre."""

    def __init__(self, radiance: Array) -> None:
        self._radiance = np.ascontiguousarray(radiance, np.float32)

    def grid(self, view: View, size: tuple[int, int]) -> Array:
        """See `Backdrop.grid`. The poles must lie outside the frame."""
        height, width = self._radiance.shape[:2]
        rays = _grid_rays(size, view.focal) @ _rotation(view).T
        longitude = np.arctan2(rays[..., 0], rays[..., 2])
        latitude = np.arctan2(rays[..., 1], np.hypot(rays[..., 0], rays[..., 2]))
        x = ((longitude + view.yaw) / (2 * np.pi) + 0.5) * width - 0.5
        y = (latitude / np.pi + 0.5) * height - 0.5
        return np.stack([x, y], axis=-1)

    def sample(self, positions: Array) -> Array:
        """See `Backdrop.sample`."""
        wrap = cv2.BORDER_WRAP
        return cv2.remap(self._radiance, positions, None, cv2.INTER_LINEAR, borderMode=wrap)

    def start(self, rng: np.random.Generator, size: tuple[int, int]) -> View:
        """See `Backdrop.start`: a level look anywhere, 60 to 90 degrees high at 256 lines."""
        pixels_per_radian = self._radiance.shape[0] / np.pi
        focal = pixels_per_radian * rng.uniform(0.8, 1.3)
        limit = max(0.0, np.deg2rad(75) - np.arctan(size[0] / 2 / focal) - 0.3)
        pitch = float(np.clip(rng.normal(0.05, 0.2), -limit, limit))
        return View(rng.uniform(-np.pi, np.pi), pitch, rng.normal(0, 0.03), focal)


class Photograph:
    """A photograph on a wall before the camera, mirrored at its edges."""

    def __init__(self, radiance: Array, scale: float = 1.0) -> None:
        size = (round(radiance.shape[1] * scale), round(radiance.shape[0] * scale))
        self._radiance = cv2.resize(
            np.ascontiguousarray(radiance, np.float32), size, interpolation=cv2.INTER_AREA
        )

    def grid(self, view: View, size: tuple[int, int]) -> Array:
        """See `Backdrop.grid`. The wall is one unit away, its height two units."""
        height, width = self._radiance.shape[:2]
        # Turning is moving along the wall with a little keystone: what a slide in a film does.
        turned = View(0.0, view.pitch * 0.3, view.roll, view.focal)
        rays = _grid_rays(size, view.focal) @ _rotation(turned).T
        x, y = rays[..., 0] / rays[..., 2] + view.yaw, rays[..., 1] / rays[..., 2] - view.pitch
        half = height / 2
        return np.stack([x * half + (width - 1) / 2, y * half + (height - 1) / 2], axis=-1)

    def sample(self, positions: Array) -> Array:
        """See `Backdrop.sample`."""
        mirror = cv2.BORDER_REFLECT_101
        return cv2.remap(self._radiance, positions, None, cv2.INTER_LINEAR, borderMode=mirror)

    def start(self, rng: np.random.Generator, size: tuple[int, int]) -> View:
        """See `Backdrop.start`: somewhere on the wall, pixel for pixel or up to 1.4 closer."""
        height, width = self._radiance.shape[:2]
        focal = height / 2 * rng.uniform(1.0, 1.4)
        free_x = max(0.0, (width / height) - size[1] / 2 / focal)
        free_y = max(0.0, 1.0 - size[0] / 2 / focal)
        yaw, pitch = rng.uniform(-0.8, 0.8, 2) * (free_x, free_y)
        return View(yaw, pitch, rng.normal(0, 0.03), focal)


@lru_cache(maxsize=128)
def load_radiance(path: Path) -> Array:
    """Read an EXR of Rec.709 primaries and bring it to middle grey; see the module.

    What is not finite or negative becomes the smallest normal radiance there is.

    Raises:
        DecodeError: the file is no EXR with an RGB image.
    """
    try:
        with OpenEXR.File(str(path)) as file:
            pixels = file.channels()["RGB"].pixels.astype(np.float32)
    except (OSError, RuntimeError, KeyError) as error:
        raise DecodeError(f"{path}: no EXR image with R, G and B: {error}") from error
    pixels = np.clip(np.nan_to_num(pixels, nan=0.0, posinf=6e4, neginf=0.0), 0.0, None)
    scaled = pixels * np.float32(MIDDLE_GREY / geometric_mean(pixels))
    scaled.setflags(write=False)
    return scaled


def load_backdrop(path: Path, lines: int) -> Backdrop:
    """A panorama if the image is twice as wide as high, else a photograph for `lines` lines."""
    radiance = load_radiance(path)
    height, width = radiance.shape[:2]
    if width == 2 * height:
        return Panorama(radiance)
    return Photograph(radiance, min(1.0, 1.5 * lines / min(height, width)))


def find_scenes(folder: Path) -> list[Path]:
    """All EXR files below `folder`, sorted.

    Raises:
        InputError: there are none.
    """
    paths = sorted(folder.rglob("*.exr"))
    if not paths:
        raise InputError(f"folder: no .exr files below {folder}")
    return paths


def geometric_mean(radiance: Array) -> float:
    """The geometric mean luminance of [..., 3], black left out."""
    luma = radiance @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    lit = luma[luma > 1e-6]
    return float(np.exp(np.log(lit).mean())) if lit.size else 1.0


def refine(grid: Array, size: tuple[int, int]) -> Array:
    """Values [h, w, C] at every `GRID`-th pixel, interpolated to every pixel of `size`."""
    affine = np.array([[1 / GRID, 0, 0], [0, 1 / GRID, 0]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    grid = grid.astype(np.float32)
    return cv2.warpAffine(grid, affine, size[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _grid_rays(size: tuple[int, int], focal: float) -> Array:
    """Rays [h, w, 3] at every `GRID`-th pixel, one beyond the frame; y points down."""
    y = (np.arange(0, size[0] + GRID, GRID) - (size[0] - 1) / 2) / focal
    x = (np.arange(0, size[1] + GRID, GRID) - (size[1] - 1) / 2) / focal
    return np.stack([*np.meshgrid(x, y), np.ones((len(y), len(x)))], axis=-1)


def _rotation(view: View) -> Array:
    """Camera to world without the yaw, which is a shift of the panorama."""
    cp, sp, cr, sr = (f(a) for a in (view.pitch, view.roll) for f in (np.cos, np.sin))
    tilt = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    return tilt @ np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
