"""Smooth random motion of a virtual camera and of things before it.

A path is evaluated at any times at once, so that a frame can be averaged from
many instants within its shutter time.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

Array = NDArray[Any]
_KNOT_SECONDS = 0.6


@dataclass(frozen=True, slots=True)
class Poses:
    """Where a camera looks at each of some times: arrays of one shape.

    yaw, pitch, roll: radians; yaw to the right, pitch upwards, roll clockwise as seen.
    zoom: factor on the focal length.
    """

    yaw: Array
    pitch: Array
    roll: Array
    zoom: Array


@dataclass(frozen=True, slots=True)
class Motion:
    """How a camera moves, in standard deviations.

    pan, tilt, roll: radians a second. zoom: octaves a second. shake: radians.
    """

    pan: float
    tilt: float
    roll: float
    zoom: float
    shake: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> "Motion":
        """From a tripod to a hurried hand."""
        pan = np.deg2rad(_log_uniform(rng, 2.0, 40.0)) * (rng.random() > 0.1)
        tilt = np.deg2rad(_log_uniform(rng, 0.3, 8.0)) * (rng.random() > 0.3)
        roll = np.deg2rad(_log_uniform(rng, 0.2, 5.0)) * (rng.random() > 0.5)
        zoom = _log_uniform(rng, 0.03, 0.5) * (rng.random() > 0.6)
        shake = np.deg2rad(_log_uniform(rng, 0.02, 0.5)) * (rng.random() > 0.3)
        return cls(pan, tilt, roll, zoom, shake)


class Wander:
    """A smooth random walk: a spline through speeds, integrated; 0 at time 0."""

    def __init__(self, rng: np.random.Generator, seconds: float, speed: float) -> None:
        knots = max(4, int(np.ceil(seconds / _KNOT_SECONDS)) + 1)
        # A camera keeps its direction for a while: neighbouring speeds are alike.
        drift, change = rng.standard_normal(), rng.standard_normal(knots)
        speeds = speed * (0.8 * drift + 0.6 * change)
        times = np.linspace(0, max(seconds, 1e-3), knots)
        self._position = CubicSpline(times, speeds).antiderivative()

    def __call__(self, times: Array) -> Array:
        return np.asarray(self._position(times))


class Shake:
    """A hand's tremor: sinusoids of 1 to 9 Hz whose amplitude falls with frequency."""

    def __init__(self, rng: np.random.Generator, amplitude: float) -> None:
        self._frequency = _log_uniform(rng, 1.0, 9.0, 6)
        self._phase = rng.uniform(0, 2 * np.pi, 6)
        self._amplitude = amplitude * rng.standard_normal(6) / self._frequency

    def __call__(self, times: Array) -> Array:
        angle = 2 * np.pi * self._frequency * times[..., None] + self._phase
        return np.sin(angle) @ self._amplitude


class CameraPath:
    """A camera's random path from a pose; `pitch` stays within `reach` of its start."""

    def __init__(
        self, rng: np.random.Generator, seconds: float, motion: Motion, reach: float = 0.35
    ) -> None:
        self._reach = reach
        speeds = (motion.pan, motion.tilt, motion.roll, motion.zoom)
        self._wanders = [Wander(rng, seconds, speed) for speed in speeds]
        self._shakes = [Shake(rng, motion.shake * share) for share in (1.0, 1.0, 0.5)]

    def __call__(self, times: Array) -> Poses:
        """Poses relative to the start at `times`, seconds."""
        yaw, pitch, roll, zoom = (wander(times) for wander in self._wanders)
        shakes = [shake(times) for shake in self._shakes]
        return Poses(
            yaw + shakes[0],
            _bounded(pitch, self._reach) + shakes[1],
            _bounded(roll, 0.25) + shakes[2],
            np.exp2(_bounded(zoom, 0.5)),
        )


def _bounded(values: Array, limit: float) -> Array:
    return limit * np.tanh(values / limit)


def _log_uniform(rng: np.random.Generator, low: float, high: float, size: int | None = None) -> Any:
    return np.exp(rng.uniform(np.log(low), np.log(high), size))
