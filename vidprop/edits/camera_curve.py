"""The curve of the camera behind an LDR clip, found from frames whose radiance is known.

A signal is R'G'B' in [0, 1], as decoded from the clip. Stops are log2 radiance,
at the scale of the first key frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded
from scipy.ndimage import median_filter
from scipy.optimize import isotonic_regression

from vidprop.color.transfer import srgb_decode
from vidprop.errors import InputError

from .camera_limits import Limits, find_limits, ramp

Array = NDArray[np.float32]
Array64 = NDArray[np.floating]

NODES = 256
_ENTRIES = 1 << 16
_SAMPLES = 60_000  # a key frame
_ROUNDS = 8
_BANDS = 16  # of the signal, for its noise
_FEWEST = 40  # samples whose median and quartiles mean something
_STIFFNESS, _PULL = 10.0, 0.02
# Stops a code: below the first the curve is as good as its noise, above the second useless.
_STEEP = (0.06, 0.4)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A frame as the clip shows it and as the key frame measures it, both [H, W, 3]."""

    signal: Array
    stops: Array

    def __post_init__(self) -> None:
        if self.signal.shape != self.stops.shape or self.signal.shape[-1:] != (3,):
            raise InputError(
                f"pair: two images [H, W, 3] of one size are needed, "
                f"got {self.signal.shape} and {self.stops.shape}"
            )


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
        half_code = np.float32(0.5 * self.step)
        reach = np.maximum(2 * _look_up(self.noise, signal), half_code)
        return self.stops(signal - reach), self.stops(signal + reach)

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


@dataclass(frozen=True)
class CurveFit:
    """A curve and how it fits the key frames it was found from.

    offsets: [K, 3], stops by which each key frame is brighter than the curve says: what
        its exposure and white balance differ by from the first key frame's.
    errors: [K], median absolute deviation in stops, where the curve is trusted.
    """

    curve: CameraCurve
    offsets: Array
    errors: Array


def fit_curve(pairs: Sequence[KeyPair], bit_depth: int = 8) -> CurveFit:
    """Find one curve for all key frames, and each key frame's exposure.

    Medians of stops for every signal are joined by a smooth curve, which leans
    on the shape of sRGB where no pixel says otherwise, and made monotone.
    Pixels at edges, where key frame and clip may not lie on each other to the
    pixel, are left out.

    Raises:
        InputError: no pairs.
    """
    if not pairs:
        raise InputError("pairs: at least one is needed")
    samples = [_samples(pair) for pair in pairs]
    step = 1 / (2**bit_depth - 1)
    channels = [_fit_channel([(s[:, c], t[:, c]) for s, t in samples], step) for c in range(3)]
    tables, trusts, noises, limits, offsets = zip(*channels, strict=True)
    three = (limits[0], limits[1], limits[2])
    curve = CameraCurve(np.stack(tables), np.stack(trusts), np.stack(noises), three, step)
    shifts = np.stack(offsets, axis=1).astype(np.float32)
    errors = [_error(curve, sample, shift) for sample, shift in zip(samples, shifts, strict=True)]
    return CurveFit(curve, shifts, np.array(errors, np.float32))


def assumed_curve(bit_depth: int = 8) -> CameraCurve:
    """The curve of a clip that follows sRGB, white at 0 stops: for when nothing is known."""
    step = 1 / (2**bit_depth - 1)
    limits = Limits(0.5 * step, 1 - 0.5 * step, 0.0, 1.0)
    table, trust = _tables(_prior(), limits, step)
    stops, trusts = np.stack([table] * 3), np.stack([trust] * 3)
    return CameraCurve(stops, trusts, np.zeros_like(stops), (limits,) * 3, step)


def _look_up(table: Array, signal: Array) -> Array:
    index = (np.clip(signal, 0, 1) * np.float32(_ENTRIES - 1) + np.float32(0.5)).astype(np.uint16)
    return np.stack([table[c].take(index[..., c]) for c in range(3)], axis=-1)


def _samples(pair: KeyPair) -> tuple[Array, Array]:
    """Signals and stops [M, 3] away from edges."""
    luma = cv2.GaussianBlur(pair.signal.mean(axis=-1), None, 1.0)
    slope = np.hypot(cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1))
    calm = np.flatnonzero(slope.ravel() <= np.quantile(slope, 0.7))
    chosen = calm[:: max(1, len(calm) // _SAMPLES)]
    return pair.signal.reshape(-1, 3)[chosen], pair.stops.reshape(-1, 3)[chosen]


def _fit_channel(
    samples: list[tuple[Array, Array]], step: float
) -> tuple[Array, Array, Array, Limits, Array64]:
    limits = find_limits(samples, step)
    inside = [_inside(s, t, limits) for s, t in samples]
    curve: Array64 = _prior()
    # Curve and exposures are found in turn.
    for _ in range(_ROUNDS if len(samples) > 1 else 2):
        curve, offsets = _settle(curve, inside)
        curve = _smooth_curve(*_Nodes.of(*_pooled(inside, offsets)))
    curve, offsets = _settle(curve, inside)
    doubt = _doubt(*_pooled(samples, offsets))
    table, trust = _tables(curve, limits, step)
    noise = _noise(*_pooled(inside, offsets), curve, step)
    return table, trust * (1 - _over_entries(doubt)), _over_entries(noise), limits, offsets


def _inside(signal: Array, stops: Array, limits: Limits) -> tuple[Array, Array]:
    keep = (signal > limits.black) & (signal < limits.white)
    return (signal[keep], stops[keep]) if keep.sum() >= 50 else (signal, stops)


def _settle(curve: Array64, samples: list[tuple[Array, Array]]) -> tuple[Array64, Array64]:
    """Exposures for a curve; the first is put into the curve."""
    grid = _grid()
    found = np.array([np.median(t - np.interp(s, grid, curve)) for s, t in samples])
    return curve + found[0], found - found[0]


def _pooled(samples: list[tuple[Array, Array]], offsets: Array64) -> tuple[Array, Array64]:
    stops = [t - o for (_, t), o in zip(samples, offsets, strict=True)]
    return np.concatenate([s for s, _ in samples]), np.concatenate(stops)


class _Nodes(NamedTuple):
    """Of the samples nearest to each node: how many, their median, the quartiles' distance.

    Nodes with few samples share the median and the quartiles of their neighbours'.
    """

    counts: NDArray[np.int64]
    medians: Array64
    spreads: Array64

    @classmethod
    def of(cls, signal: Array, stops: Array64) -> "_Nodes":
        """From samples [M]; medians are of stops above the prior, so that sharing is fair."""
        node = np.rint(signal * (NODES - 1)).astype(np.int64)
        counts = np.bincount(node, minlength=NODES)
        group = _groups(counts)
        surplus = stops - _prior()[node]
        ordered = surplus[np.lexsort((surplus, group[node]))]
        sizes = np.bincount(group, counts).astype(np.int64)
        starts = np.cumsum(sizes) - sizes
        low, middle, high = (ordered[starts + (sizes * q).astype(int)] for q in (0.25, 0.5, 0.75))
        return cls(counts, middle[group], (high - low)[group])


def _groups(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """A group for every node: neighbours are joined until they have `_FEWEST` samples."""
    group = (np.cumsum(counts) - counts) // _FEWEST
    # Only the groups that some sample falls into are numbered.
    filled = np.unique(group[counts > 0])
    return np.minimum(np.searchsorted(filled, group), len(filled) - 1)


def _smooth_curve(counts: NDArray[np.int64], medians: Array64, spreads: Array64) -> Array64:
    weights = np.minimum(counts, 400) / (400 * (0.05 + spreads) ** 2)
    prior = _prior()
    sloped = _sloped_prior(medians + prior, weights)
    bend = _penalised(medians + prior - sloped, weights)
    smooth: Array64 = isotonic_regression(sloped + bend).x
    return smooth


def _doubt(signal: Array, stops: Array64) -> Array64:
    """0 to 1 for every node: 1 where one signal stands for much more various radiance than usual.

    That is so where a codec has spread what was clipped over the codes below.
    """
    counts, _, spreads = _Nodes.of(signal, stops)
    usual = float(np.median(spreads[counts > 0]))
    return ramp(median_filter(spreads, 5, mode="nearest"), 2 * usual + 0.1, 4 * usual + 0.4)


def _noise(signal: Array, stops: Array64, curve: Array64, step: float) -> Array64:
    """Deviation of the signal at every node from what the curve makes of the stops.

    What rounding alone causes is taken off.
    """
    # A flat stretch has no inverse: the ramp gives it one without bending the curve.
    expected = np.interp(stops, curve + 1e-6 * np.arange(NODES), _grid())
    band = np.minimum((signal * _BANDS).astype(np.int64), _BANDS - 1)
    residual = np.abs(signal - expected)
    found = [residual[band == b] for b in range(_BANDS)]
    usual = np.median(residual)
    medians = np.array([np.median(r) if r.size >= _FEWEST else usual for r in found])
    # The median of a normal deviation is 0.67 of it; that of rounding a quarter of a step.
    deviation = 1.48 * np.sqrt(np.maximum(medians**2 - (0.25 * step) ** 2, 0))
    return np.interp(_grid(), (np.arange(_BANDS) + 0.5) / _BANDS, deviation)


def _prior() -> Array64:
    """Log2 of sRGB's linear light; a code of 0 stands for half of one."""
    return np.log2(srgb_decode(np.maximum(_grid(), 0.5 / (NODES - 1))))


def _sloped_prior(values: Array64, weights: Array64) -> Array64:
    """The prior with the slope and the height that fit best."""
    prior, seen = _prior(), weights > 0
    slope = 1.0
    if np.ptp(prior[seen]) > 0.5:
        fitted = np.polyfit(prior[seen], values[seen], 1, w=np.sqrt(weights[seen]))[0]
        slope = float(np.clip(fitted, 0.4, 2.5))
    return slope * prior + np.average(values - slope * prior, weights=weights)


def _penalised(values: Array64, weights: Array64) -> Array64:
    """Smooth values on the nodes: stiff between, level where nothing is known."""
    system = _penalty().copy()
    system[0] += weights + 1e-9
    smooth: Array64 = solveh_banded(system, weights * values, lower=True)
    return smooth


@cache
def _penalty() -> Array64:
    """The matrix of the bending and of the slope's energy, as its three lower bands."""
    first, second = (np.diff(np.eye(NODES), n, axis=0) for n in (1, 2))
    # Curves bend most near black, where a code is many stops.
    easy = _grid()[1:-1, None] ** 2 + 1e-4
    system = _STIFFNESS**2 * second.T @ (easy * second) + _PULL * first.T @ first
    return np.stack([np.pad(np.diagonal(system, -n), (0, n)) for n in range(3)])


def _tables(curve: Array64, limits: Limits, step: float) -> tuple[Array, Array]:
    """Stops and trust over all entries."""
    signal = np.linspace(0, 1, _ENTRIES)
    stops = np.interp(np.clip(signal, limits.black, limits.white), _grid(), curve)
    slope = np.gradient(np.interp(signal, _grid(), curve), signal) * step
    trust = 1 - ramp(_moving_mean(slope), *_STEEP)
    trust *= limits.trust(signal)
    return stops.astype(np.float32), trust.astype(np.float32)


def _over_entries(nodes: Array64) -> Array:
    return np.interp(np.linspace(0, 1, _ENTRIES), _grid(), nodes).astype(np.float32)


def _moving_mean(values: Array64) -> Array64:
    width = _ENTRIES // NODES * 4 + 1
    return cv2.blur(values.reshape(1, -1), (width, 1), borderType=cv2.BORDER_REPLICATE)[0]


def _error(curve: CameraCurve, sample: tuple[Array, Array], shift: Array) -> float:
    signal, stops = sample
    trusted = curve.weights(signal) > 0.5
    residual = np.abs(stops - shift - curve.stops(signal))[trusted]
    return float(np.median(residual)) if residual.size else float("nan")


def _grid() -> Array64:
    return np.linspace(0, 1, NODES)
