"""Cut-outs with soft mattes that move before the backdrop, with radiance of their own."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .virtual_path import Shake, Wander
from .virtual_scene import GRID, MIDDLE_GREY, Backdrop, geometric_mean, refine

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class CutOut:
    """A thing that moves.

    texture: [h, w, 4], radiance times matte, and matte.
    start: (x, y) of its centre at time 0, pixels. parallax: how much of the backdrop's
        motion it shares; above 1 for what is nearer than the backdrop.
    drift, turn, growth: of (x, y), pixels; of its angle, radians; of its size, octaves.
    bend: pixels it sways by.
    """

    texture: Array
    start: tuple[float, float]
    parallax: float
    drift: tuple[Wander, Wander]
    turn: Wander
    growth: Wander
    sway: Shake

    def paint(self, frame: Array, time: float, shift: Array) -> None:
        """Blend over `frame` [H, W, 3] in place.

        Args:
            time: seconds.
            shift: how far the backdrop's middle has moved since time 0, pixels (x, y).
        """
        now = np.array(time)
        centre = np.array(self.start) + self.parallax * shift + [d(now) for d in self.drift]
        angle, scale = float(self.turn(now)), 2.0 ** float(np.tanh(self.growth(now)))
        box = _bounds(self.texture.shape, centre, scale, frame.shape)
        if box is None:
            return
        rows, columns = box
        positions = self._positions(rows, columns, centre, angle, scale, float(self.sway(now)))
        layer = cv2.remap(self.texture, positions, None, cv2.INTER_LINEAR)
        part = frame[rows, columns]
        part *= 1.0 - layer[..., 3:]
        part += layer[..., :3]

    def _positions(
        self, rows: slice, columns: slice, centre: Array, angle: float, scale: float, sway: float
    ) -> Array:
        size = (rows.stop - rows.start, columns.stop - columns.start)
        y = np.arange(rows.start, rows.stop + GRID, GRID) - centre[1]
        x = np.arange(columns.start, columns.stop + GRID, GRID) - centre[0]
        x, y = np.meshgrid(x, y)
        cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
        u, v = cos * x + sin * y, cos * y - sin * x
        middle = (np.array(self.texture.shape[:2]) - 1) / 2
        u = u + sway * np.sin(v / middle[0] * 2 + sway)
        return refine(np.stack([u + middle[1], v + middle[0]], axis=-1), size)


def random_cut_out(
    rng: np.random.Generator, source: Backdrop, size: tuple[int, int], seconds: float
) -> CutOut:
    """A piece of `source` in a random shape, a sixth to two thirds of a frame of `size` high."""
    height = int(size[0] * rng.uniform(0.17, 0.67))
    width = int(height * rng.uniform(0.4, 1.6))
    speed = size[0] * np.exp(rng.uniform(np.log(0.02), np.log(0.6)))
    return CutOut(
        texture=_texture(rng, source, (height, width)),
        start=(rng.uniform(0, size[1]), rng.uniform(0.2, 1.0) * size[0]),
        parallax=rng.uniform(0.8, 1.5),
        drift=(Wander(rng, seconds, speed), Wander(rng, seconds, speed * 0.3)),
        turn=Wander(rng, seconds, rng.uniform(0, 0.5)),
        growth=Wander(rng, seconds, rng.uniform(0, 0.3)),
        sway=Shake(rng, rng.uniform(0, 0.04) * height),
    )


def _texture(rng: np.random.Generator, source: Backdrop, size: tuple[int, int]) -> Array:
    view = source.start(rng, size)
    radiance = source.sample(refine(source.grid(view, size), size))
    # Most things are lit like the rest; a lamp now and then is not.
    stops = rng.normal(0, 1.2) + (rng.random() < 0.12) * rng.uniform(3, 6)
    radiance = radiance * np.float32(MIDDLE_GREY * 2.0**stops / geometric_mean(radiance))
    matte = _matte(rng, size)[..., None]
    return np.concatenate([radiance * matte, matte], axis=-1)


def _matte(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """A shape [h, w] in 0..1 with soft edges, 0 at the border."""
    paint = _bars if rng.random() < 0.2 else _blobs
    hard = paint(rng, size)
    hard[:2] = hard[-2:] = 0
    hard[:, :2] = hard[:, -2:] = 0
    return cv2.GaussianBlur(hard, None, rng.uniform(0.5, 1.5))


def _blobs(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """A few overlapping rounded shapes with wavy outlines."""
    y, x = np.mgrid[-1 : 1 : size[0] * 1j, -1 : 1 : size[1] * 1j]
    shape = np.zeros(size, np.float32)
    for _ in range(rng.integers(1, 5)):
        cx, cy = rng.uniform(-0.45, 0.45, 2)
        angle = np.arctan2(y - cy, x - cx)
        orders = np.arange(2, 7)
        waves = np.cos(angle[..., None] * orders + rng.uniform(0, 2 * np.pi, 5))
        radius = rng.uniform(0.3, 0.6) * (1 + waves @ (rng.uniform(0, 0.5, 5) / orders))
        shape[np.hypot(x - cx, y - cy) < radius] = 1
    return shape


def _bars(rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """Thin things: poles, branches, a fence."""
    shape = np.zeros(size, np.float32)
    for _ in range(rng.integers(2, 7)):
        points = rng.uniform(0, 1, (3, 2)) * size[::-1]
        thickness = max(2, int(rng.uniform(0.01, 0.06) * size[0]))
        cv2.polylines(shape, [points.astype(np.int32)], False, 1.0, thickness)
    return shape


def _bounds(
    texture: tuple[int, ...], centre: Array, scale: float, frame: tuple[int, ...]
) -> tuple[slice, slice] | None:
    """Rows and columns of the frame that the texture can reach, or None."""
    reach = np.hypot(texture[0], texture[1]) / 2 * scale * 1.1
    low = np.maximum(np.floor(centre - reach), 0).astype(int)
    high = np.minimum(np.ceil(centre + reach), (frame[1], frame[0])).astype(int)
    if (high <= low).any():
        return None
    return slice(low[1], high[1]), slice(low[0], high[0])
