"""Finding a camera's curve from frames whose radiance is known.

Stops are at the scale of the first key frame.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded
from scipy.ndimage import median_filter
from scipy.optimize import isotonic_regression

from vidprop.errors import InputError

from .camera_curve import (
    NODES,
    Array,
    Array64,
    CameraCurve,
    curve_tables,
    nodes,
    over_entries,
    srgb_nodes,
)
from .camera_limits import Limits, find_limits, ramp

# Samples of all key frames, and the fewest and most of one.
_SAMPLES, _SAMPLES_OF_ONE = 240_000, (4_000, 60_000)
_ROUNDS = 8
_BANDS = 16  # of the signal, for its noise
_FEWEST = 40  # samples whose median and quartiles mean something
_FAR = 256.0  # stops, more than any two pixels lie apart
_STIFFNESS, _PULL = 10.0, 0.02


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
    most = int(np.clip(_SAMPLES // len(pairs), *_SAMPLES_OF_ONE))
    samples = [_samples(pair, most) for pair in pairs]
    step = 1 / (2**bit_depth - 1)
    by_channel = [[(s[:, c], t[:, c]) for s, t in samples] for c in range(3)]
    with ThreadPoolExecutor(3) as pool:
        channels = list(pool.map(partial(_fit_channel, step=step), by_channel))
    tables, trusts, noises, limits, offsets = zip(*channels, strict=True)
    three = (limits[0], limits[1], limits[2])
    curve = CameraCurve(np.stack(tables), np.stack(trusts), np.stack(noises), three, step)
    shifts = np.stack(offsets, axis=1).astype(np.float32)
    errors = [_error(curve, sample, shift) for sample, shift in zip(samples, shifts, strict=True)]
    return CurveFit(curve, shifts, np.array(errors, np.float32))


def _samples(pair: KeyPair, most: int) -> tuple[Array, Array]:
    """Signals and stops [M, 3] away from edges, of about so many pixels."""
    luma = cv2.GaussianBlur(pair.signal.mean(axis=-1), None, 1.0)
    slope = np.hypot(cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1))
    calm = np.flatnonzero(slope.ravel() <= np.quantile(slope, 0.7))
    chosen = calm[:: max(1, len(calm) // most)]
    return pair.signal.reshape(-1, 3)[chosen], pair.stops.reshape(-1, 3)[chosen]


def _fit_channel(
    samples: list[tuple[Array, Array]], step: float
) -> tuple[Array, Array, Array, Limits, Array64]:
    limits = find_limits(samples, step)
    inside = [_inside(s, t, limits) for s, t in samples]
    curve: Array64 = srgb_nodes()
    # Curve and exposures are found in turn.
    for _ in range(_ROUNDS if len(samples) > 1 else 2):
        curve, offsets = _settle(curve, inside)
        curve = _smooth_curve(*_Nodes.of(*_pooled(inside, offsets)))
    curve, offsets = _settle(curve, inside)
    doubt = _doubt(*_pooled(samples, offsets))
    table, trust = curve_tables(curve, limits, step)
    noise = _noise(*_pooled(inside, offsets), curve, step)
    return table, trust * (1 - over_entries(doubt)), over_entries(noise), limits, offsets


def _inside(signal: Array, stops: Array, limits: Limits) -> tuple[Array, Array]:
    keep = (signal > limits.black) & (signal < limits.white)
    return (signal[keep], stops[keep]) if keep.sum() >= 50 else (signal, stops)


def _settle(curve: Array64, samples: list[tuple[Array, Array]]) -> tuple[Array64, Array64]:
    """Exposures for a curve; the first is put into the curve."""
    grid = nodes()
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
        surplus = stops - srgb_nodes()[node]
        # One sort of sums is much quicker than a sort by two keys.
        place = group * (4 * _FAR)
        ordered = np.sort(np.clip(surplus, -_FAR, _FAR) + place[node])
        sizes = np.bincount(group, counts).astype(np.int64)
        starts = np.cumsum(sizes) - sizes
        low, middle, high = (ordered[starts + (sizes * q).astype(int)] for q in (0.25, 0.5, 0.75))
        return cls(counts, middle[group] - place, (high - low)[group])


def _groups(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """A group for every node: neighbours are joined until they have `_FEWEST` samples."""
    group = (np.cumsum(counts) - counts) // _FEWEST
    # Only the groups that some sample falls into are numbered.
    filled = np.unique(group[counts > 0])
    return np.minimum(np.searchsorted(filled, group), len(filled) - 1)


def _smooth_curve(counts: NDArray[np.int64], medians: Array64, spreads: Array64) -> Array64:
    weights = np.minimum(counts, 400) / (400 * (0.05 + spreads) ** 2)
    prior = srgb_nodes()
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
    expected = np.interp(stops, curve + 1e-6 * np.arange(NODES), nodes())
    band = np.minimum((signal * _BANDS).astype(np.int64), _BANDS - 1)
    residual = np.abs(signal - expected)
    found = [residual[band == b] for b in range(_BANDS)]
    usual = np.median(residual)
    medians = np.array([np.median(r) if r.size >= _FEWEST else usual for r in found])
    # The median of a normal deviation is 0.67 of it; that of rounding a quarter of a step.
    deviation = 1.48 * np.sqrt(np.maximum(medians**2 - (0.25 * step) ** 2, 0))
    return np.interp(nodes(), (np.arange(_BANDS) + 0.5) / _BANDS, deviation)


def _sloped_prior(values: Array64, weights: Array64) -> Array64:
    """The prior with the slope and the height that fit best."""
    prior, seen = srgb_nodes(), weights > 0
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
    easy = nodes()[1:-1, None] ** 2 + 1e-4
    system = _STIFFNESS**2 * second.T @ (easy * second) + _PULL * first.T @ first
    return np.stack([np.pad(np.diagonal(system, -n), (0, n)) for n in range(3)])


def _error(curve: CameraCurve, sample: tuple[Array, Array], shift: Array) -> float:
    signal, stops = sample
    trusted = curve.weights(signal) > 0.5
    residual = np.abs(stops - shift - curve.stops(signal))[trusted]
    return float(np.median(residual)) if residual.size else float("nan")
