"""Whether a video's timestamps keep a constant rate, and which."""

from collections.abc import Sequence
from fractions import Fraction

STANDARD_RATE = Fraction(25)


def constant_rate(
    times: Sequence[int], time_base: Fraction, candidates: Sequence[Fraction | None]
) -> Fraction | None:
    """The first candidate that every time follows to within one tick, else None.

    Matroska rounds times to milliseconds, MPEG to 1/90000 s: a tick of noise is no
    variable rate, and `on_grid` takes it off again.
    """
    for rate in (standard for each in candidates for standard in _readings(each)):
        if rate > 0 and _follows(times, time_base, rate):
            return rate
    return None


def mean_rate(times: Sequence[int], time_base: Fraction) -> Fraction | None:
    """Frames a second over all the times."""
    if len(times) < 2 or times[-1] == times[0]:
        return None
    return (len(times) - 1) / ((times[-1] - times[0]) * time_base)


def on_grid(time: Fraction, start: Fraction, rate: Fraction, tolerance: Fraction) -> Fraction:
    """The multiple of 1/rate after `start` nearest to `time`, or `time` if none is near."""
    exact = start + round((time - start) * rate) / rate
    return exact if abs(exact - time) <= tolerance else time


def _readings(rate: Fraction | None) -> list[Fraction]:
    """The rate itself, after the exact rate it is a rounding of, such as 60000/1001."""
    if not rate:
        return []
    exact = [Fraction(round(rate)), Fraction(1000 * round(rate * 1001 / 1000), 1001)]
    return [*(each for each in exact if abs(each - rate) < rate / 10_000), rate]


def _follows(times: Sequence[int], time_base: Fraction, rate: Fraction) -> bool:
    step = 1 / (rate * time_base)
    # In whole numbers, since a film has 100 000 frames.
    ticks, unit = step.numerator, step.denominator
    return all(abs((time - times[0]) * unit - k * ticks) <= unit for k, time in enumerate(times))
