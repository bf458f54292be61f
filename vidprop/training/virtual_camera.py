"""HDR video with its truth: a virtual camera moving in panoramas and over photographs.

Everything follows from the seed of the generator given: the same seed gives the
same shot on any machine with the same libraries.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .virtual_foreground import CutOut, random_cut_out
from .virtual_path import CameraPath, Motion, Shake
from .virtual_scene import GRID, Backdrop, View, load_backdrop, refine
from .virtual_sensor import Codec, Sensor

Array = NDArray[Any]
_MOST_INSTANTS = 8


@dataclass(frozen=True, slots=True)
class ShotConfig:
    """What kind of shots are made.

    size: (height, width), both even. frames: how many.
    frames_per_second: time between frames, for speeds of motion.
    cut_outs: the most things that move before the backdrop.
    """

    size: tuple[int, int] = (256, 448)
    frames: int = 21
    frames_per_second: float = 25.0
    cut_outs: int = 3


@dataclass(frozen=True, slots=True)
class Shot:
    """What a camera saw, and what was there.

    ldr: [T, H, W, 3] uint8, R'G'B' of full range.
    radiance: [T, H, W, 3] float32, linear RGB, Rec.709 primaries, any scale.
    exposure: [T], octaves by which the camera brightened or darkened what it saw.
    clipped, crushed: [T, H, W, 3], where the sensor was past its end, or below one code.
    """

    ldr: Array
    radiance: Array
    exposure: Array
    clipped: Array
    crushed: Array


class Stage:
    """A scene, what moves in it, and the camera's path; renders radiance frame by frame."""

    def __init__(
        self,
        rng: np.random.Generator,
        backdrop: Backdrop,
        others: Sequence[Backdrop],
        config: ShotConfig,
    ) -> None:
        self._backdrop, self._config = backdrop, config
        seconds = config.frames / config.frames_per_second
        self._start = backdrop.start(rng, config.size)
        self._path = CameraPath(rng, seconds, Motion.random(rng))
        self._shutter = rng.uniform(0.1, 0.5) / config.frames_per_second
        self._cut_outs = _random_cut_outs(rng, others, config, seconds)
        self._wind = _Wind(rng)
        self._shade = _Shade(rng)

    def radiance(self) -> Iterator[Array]:
        """Frames [H, W, 3], each averaged over the time the shutter is open."""
        for number in range(self._config.frames):
            time = number / self._config.frames_per_second
            instants = np.linspace(time, time + self._shutter, self._instants(time))
            frames = [self._instant(float(t)) for t in instants]
            yield sum(frames[1:], frames[0]) / np.float32(len(frames))

    def _instants(self, time: float) -> int:
        """How many instants show no steps in what moves while the shutter is open."""
        ends = [self._grid(t) for t in (time, time + self._shutter)]
        longest = np.abs(ends[1] - ends[0]).max()
        # Cut-outs move with the camera and by themselves: two instants at least.
        return int(np.clip(np.ceil(longest), 1 + bool(self._cut_outs), _MOST_INSTANTS))

    def _view(self, time: float) -> View:
        pose, start = self._path(np.array(time)), self._start
        return View(
            start.yaw + float(pose.yaw),
            start.pitch + float(pose.pitch),
            start.roll + float(pose.roll),
            start.focal * float(pose.zoom),
        )

    def _grid(self, time: float) -> Array:
        size = self._config.size
        return self._backdrop.grid(self._view(time), size) + self._wind(time, size)

    def _instant(self, time: float) -> Array:
        size, view = self._config.size, self._view(time)
        frame = self._backdrop.sample(refine(self._grid(time), size))
        frame *= self._shade(time, size)
        turn = np.array([self._start.yaw - view.yaw, view.pitch - self._start.pitch])
        for thing in self._cut_outs:
            thing.paint(frame, time, turn * view.focal)
        return frame


class _Wind:
    """Small slow bends of the backdrop, as of leaves and water; often none."""

    def __init__(self, rng: np.random.Generator) -> None:
        strength = rng.uniform(0, 0.8) * (rng.random() < 0.35)
        self._sway = [Shake(rng, strength) for _ in range(4)]
        self._wave = rng.uniform(0.02, 0.12, (4, 2)) * GRID
        self._still = strength == 0

    def __call__(self, time: float, size: tuple[int, int]) -> Array:
        if self._still:
            return np.zeros(2)
        h, w = (-(-side // GRID) + 1 for side in size)
        y, x = np.mgrid[:h, :w]
        waves = [np.sin(a * x + b * y) * s(np.array(time)) for (a, b), s in self._terms()]
        return np.stack([waves[0] + waves[1], waves[2] + waves[3]], axis=-1)

    def _terms(self) -> Iterator[tuple[Array, Shake]]:
        return zip(self._wave, self._sway, strict=True)


class _Shade:
    """Light that changes over the frame, as under moving clouds; mostly none."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._stops = rng.uniform(0.1, 0.8) * (rng.random() < 0.2)
        self._pattern = rng.standard_normal((8, 16)).astype(np.float32)
        self._speed = rng.uniform(-1.5, 1.5)

    def __call__(self, time: float, size: tuple[int, int]) -> Array:
        if not self._stops:
            return np.ones((1, 1, 1), np.float32)
        whole = np.hstack([self._pattern, self._pattern])
        offset = (time * self._speed) % 16
        move = np.array([[6 / size[1], 0, offset], [0, 4 / size[0], 1.0]])
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        border = cv2.BORDER_WRAP
        stops = cv2.warpAffine(whole, move, size[::-1], flags=flags, borderMode=border)
        return np.exp2(self._stops * stops)[..., None]


def render_shot(
    rng: np.random.Generator,
    scenes: Sequence[Path],
    config: ShotConfig,
    sensor: Sensor | None = None,
    codec: Codec | None = None,
    place: Path | None = None,
) -> Shot:
    """One random shot in one of `scenes`, with things from the others before it.

    Args:
        scenes: paths of EXR files; those twice as wide as high are panoramas.
        sensor, codec: the camera; a random one if None.
        place: the scene it is shot in; a random one if None.
    """
    paths = [scenes[i] for i in rng.integers(len(scenes), size=1 + config.cut_outs)]
    paths[0] = place or paths[0]
    backdrop, *others = (load_backdrop(path, config.size[0]) for path in paths)
    stage = Stage(rng, backdrop, others, config)
    radiance = list(stage.radiance())
    return expose(rng, radiance, sensor or Sensor.random(rng), codec or Codec.random(rng))


def fixed_shots(
    scenes: Sequence[Path], config: ShotConfig, takes: int = 2
) -> Iterator[tuple[str, Shot]]:
    """The same shots every time, `takes` in each scene, each with its name: to evaluate on.

    All are compressed, and clip in 3 to 25 % of their first frame's pixels.
    """
    for path in sorted(scenes):
        for take in range(takes):
            rng = np.random.default_rng((zlib.crc32(path.stem.encode()), take))
            share = float(np.exp(rng.uniform(np.log(0.03), np.log(0.25))))
            sensor = replace(Sensor.random(rng), clipped_share=share)
            codec = Codec("libx264", int(rng.integers(16, 27)))
            yield f"{path.stem}-{take}", render_shot(rng, scenes, config, sensor, codec, path)


def expose(
    rng: np.random.Generator, radiance: Sequence[Array], sensor: Sensor, codec: Codec
) -> Shot:
    """What `sensor` and `codec` make of frames of radiance [H, W, 3]."""
    lights = [sensor.light(frame) for frame in radiance]
    stops = sensor.exposures(lights, rng)
    codes = [sensor.codes(*pair, rng) for pair in zip(lights, stops, strict=True)]
    exposed = np.stack([light * np.float32(2.0**s) for light, s in zip(lights, stops, strict=True)])
    return Shot(
        ldr=np.stack(codec.degrade(codes)),
        radiance=np.stack(radiance),
        exposure=stops,
        clipped=exposed >= 1.0,
        crushed=sensor.response(exposed) <= sensor.response.table[:, 0] + 1,
    )


def _random_cut_outs(
    rng: np.random.Generator, others: Sequence[Backdrop], config: ShotConfig, seconds: float
) -> list[CutOut]:
    count = int(rng.integers(0, len(others) + 1))
    return [random_cut_out(rng, other, config.size, seconds) for other in others[:count]]
