"""The curve of the camera behind an LDR clip: what its signals say of radiance.

A signal is R'G'B' in [0, 1], as decoded from the clip. Stops are log2 radiance.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.color.transfer import srgb_decode

from .camera_limits import Limits, ramp

Array = NDArray[np.float32]
Array64 = NDArray[np.floating]

NODES = 256
_ENTRIES = 1 << 16
# Stops a code: below the first the curve is as good as its noise, above the second useless.
_STEEP = (0.06, 0.4)


@dataclass(frozen=True)
class CameraCurve:
    """A monotone curve per channel, and how far it can be trusted.

    table: [3, 65536], stops over the signal.
    trust: [3, 65536], in 0..1: 0 where the camera clips, small where a code spans many stops.
    noise: [3, 65536], deviation of the signal by grain and by the codec, in signal.
    limits: of each channel, the signals at which it clips and is crushed.
    step: the distance of two codes as a signal.
    """

    table: Array
    trust: Array
    noise: Array
    limits: tuple[Limits, Limits, Limits]
    step: float

    def stops(self, signal: Array) -> Array:
        """Log2 radiance [..., 3] of signals [..., 3]; clipped ones give the camera's limit."""
        return _look_up(self.table, signal)

    def weights(self, signal: Array) -> Array:
        """How far `stops` can be trusted, [..., 3] in 0..1."""
        return _look_up(self.trust, signal)

    def interval(self, signal: Array) -> tuple[Array, Array]:
        """The least and the most stops a signal may stand for.

        Half a code either way, as codes are rounded, or twice the deviation of grain
        and codec where that is more.
        """
        return _look_up(self._bounds[0], signal), _look_up(self._bounds[1], signal)

    def read(self, signal: Array) -> "Reading":
        """All of this at once, which is quicker."""
        index = _index(signal)
        tables = (self.table, self.trust, *self._bounds)
        stops, trust, low, high = (_taken(table, index) for table in tables)
        bright, dark = (ends.take(index) for ends in _ends())
        return Reading(stops, trust, low, high, bright, dark)

    @cached_property
    def _bounds(self) -> tuple[Array, Array]:
        signal = np.linspace(0, 1, _ENTRIES, dtype=np.float32)
        reach = np.maximum(2 * self.noise, np.float32(0.5 * self.step))
        below, above = (self.stops((signal + way * reach).T).T for way in (-1, 1))
        return np.ascontiguousarray(below), np.ascontiguousarray(above)

    def clipped(self, signal: Array) -> NDArray[np.bool_]:
        """Where a channel is at or above the camera's white, [..., 3]."""
        return signal >= np.array([limit.white for limit in self.limits], np.float32)

    def crushed(self, signal: Array) -> NDArray[np.bool_]:
        """Where a channel is at or below the camera's black, [..., 3]."""
        return signal <= np.array([limit.black for limit in self.limits], np.float32)

    @property
    def middle(self) -> float:
        """Stops of a middle signal, about what a grey card of 18 % gives."""
        return float(self.stops(np.full(3, 0.46, np.float32)).mean())


class Reading(NamedTuple):
    """What a curve says of signals [..., 3], each of that shape.

    stops, trust: see `CameraCurve`. low, high: the interval of stops a signal stands for.
    bright, dark: 0 in the middle of the scale, 1 at its end.
    """

    stops: Array
    trust: Array
    low: Array
    high: Array
    bright: Array
    dark: Array


def assumed_curve(bit_depth: int = 8) -> CameraCurve:
    """The curve of a clip that follows sRGB, white at 0 stops: for when nothing is known."""
    step = 1 / (2**bit_depth - 1)
    limits = Limits(0.5 * step, 1 - 0.5 * step, 0.0, 1.0)
    table, trust = curve_tables(srgb_nodes(), limits, step)
    stops, trusts = np.stack([table] * 3), np.stack([trust] * 3)
    return CameraCurve(stops, trusts, np.zeros_like(stops), (limits,) * 3, step)


def srgb_nodes() -> Array64:
    """Log2 of sRGB's linear light; a code of 0 stands for half of one."""
    return np.log2(srgb_decode(np.maximum(nodes(), 0.5 / (NODES - 1))))


def curve_tables(curve: Array64, limits: Limits, step: float) -> tuple[Array, Array]:
    """Stops and trust over all entries."""
    signal = np.linspace(0, 1, _ENTRIES)
    stops = np.interp(np.clip(signal, limits.black, limits.white), nodes(), curve)
    slope = np.gradient(np.interp(signal, nodes(), curve), signal) * step
    trust = 1 - ramp(_moving_mean(slope), *_STEEP)
    trust *= limits.trust(signal)
    return stops.astype(np.float32), trust.astype(np.float32)


def over_entries(values: Array64) -> Array:
    """Values on the nodes as a table."""
    return np.interp(np.linspace(0, 1, _ENTRIES), nodes(), values).astype(np.float32)


def nodes() -> Array64:
    """Signals at which a curve is found."""
    return np.linspace(0, 1, NODES)


def _look_up(table: Array, signal: Array) -> Array:
    return _taken(table, _index(signal))


def _index(signal: Array) -> NDArray[np.uint16]:
    return (np.clip(signal, 0, 1) * np.float32(_ENTRIES - 1) + np.float32(0.5)).astype(np.uint16)


def _taken(table: Array, index: NDArray[np.uint16]) -> Array:
    values = np.empty(index.shape, np.float32)
    for c in range(3):
        values[..., c] = table[c].take(index[..., c])
    return values


@cache
def _ends() -> tuple[Array, Array]:
    signal = np.linspace(0, 1, _ENTRIES)
    bright, dark = ramp(signal, 0.5, 0.9), 1 - ramp(signal, 0.02, 0.2)
    return bright.astype(np.float32), dark.astype(np.float32)


def _moving_mean(values: Array64) -> Array64:
    width = _ENTRIES // NODES * 4 + 1
    return cv2.blur(values.reshape(1, -1), (width, 1), borderType=cv2.BORDER_REPLICATE)[0]
