"""Where a camera clips and where it is crushed, found from its signal and the radiance."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidprop.color.transfer import srgb_decode

Array = NDArray[Any]

_BINS = 256
_FEWEST = 30
_SHOULDER = 0.06  # of the signal: over it trust fades before white
_TOE = 0.012


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one channel, as signals in [0, 1].

    black, white: at or beyond these the signal says nothing but "darker", "brighter".
    lowest, highest: seen in a key frame between black and white; beyond them the
        curve is a guess.
    """

    black: float
    white: float
    lowest: float
    highest: float

    def trust(self, signal: Array) -> Array:
        """From 0 at the limits to 1 well inside; less where no key frame has been."""
        inside = ramp(signal, self.black, self.black + _TOE)
        inside = inside * (1 - ramp(signal, self.white - _SHOULDER, self.white))
        strange = np.maximum(signal - self.highest, self.lowest - signal)
        return inside * (1 - 0.6 * ramp(strange, 0.02, 0.15))


def find_limits(samples: list[tuple[Array, Array]], step: float) -> Limits:
    """Limits from signals and stops [M] of each key frame.

    White is where signals pile up below the end of the scale, or where the
    radiance behind one signal spreads upwards without end; black likewise.
    """
    signal = np.concatenate([s for s, _ in samples])
    surplus = np.concatenate([_surplus(*sample) for sample in samples])
    white = min(1 - 0.5 * step, _pile_up(signal), _spread_up(signal, surplus))
    black = max(0.5 * step, 1 - _pile_up(1 - signal))
    inside = signal[(signal > black) & (signal < white)]
    if inside.size < _FEWEST:
        return Limits(black, white, black, white)
    lowest, highest = np.quantile(inside, [0.001, 0.999])
    return Limits(black, white, float(lowest), float(highest))


def ramp(values: Array, low: float, high: float) -> Array:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _surplus(signal: Array, stops: Array) -> Array:
    """Stops above what sRGB makes of the signal, whatever the exposure."""
    rest = stops - np.log2(srgb_decode(np.maximum(signal, 0.5 / 255)))
    middle = (signal > 0.2) & (signal < 0.7)
    return rest - np.median(rest[middle] if middle.any() else rest)


def _pile_up(signal: Array) -> float:
    """The signal at which the upper end of a histogram is heaped up; 1 if it is not."""
    counts = np.bincount(np.rint(signal * (_BINS - 1)).astype(np.int64), minlength=_BINS)[:_BINS]
    above = np.cumsum(counts[::-1])[::-1]
    top = int(np.max(np.flatnonzero(above >= max(_FEWEST, 2e-4 * signal.size)), initial=0))
    if top < 0.75 * _BINS:
        return 1.0
    heap, before = counts[top - 2 :].sum() / 3, counts[top - 14 : top - 4].mean()
    return (top - 2.5) / (_BINS - 1) if heap > 5 * before + _FEWEST else 1.0


def _spread_up(signal: Array, stops: Array) -> float:
    """The lowest signal above which one signal stands for ever more radiance; 1 if none does."""
    node = np.rint(signal * (_BINS - 1)).astype(np.int64)
    typical = _upper_spread(stops, node, range(_BINS // 4, 3 * _BINS // 4))
    usual = float(np.median(list(typical.values()))) if typical else 0.2
    bound = max(0.5, 4 * usual)
    white = 1.0
    for place, spread in sorted(
        _upper_spread(stops, node, range(int(0.75 * _BINS), _BINS)).items(), reverse=True
    ):
        if spread <= bound:
            break
        white = (place - 0.5) / (_BINS - 1)
    return white


def _upper_spread(stops: Array, node: Array, places: range) -> dict[int, float]:
    """How far the ninth decile lies above the median, for each place with enough samples."""
    spreads = {}
    for place in places:
        here = stops[node == place]
        if here.size >= _FEWEST:
            middle, upper = np.quantile(here, [0.5, 0.9])
            spreads[place] = float(upper - middle)
    return spreads
