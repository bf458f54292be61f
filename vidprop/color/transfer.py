"""Transfer functions: between non-linear signals and linear light.

Names follow BT.2100: an OETF maps scene light to a signal, an EOTF a signal to
display light, an OOTF scene light to display light. Signals are in [0, 1] with
black at 0; `quantisation` turns them into codes.

numpy arrays and torch tensors go in, the same kind comes out; float32 and
float64 are kept. Unless said otherwise values outside the stated domain are
clipped to it, and NaN stays NaN.
"""

import math
from collections.abc import Callable
from typing import Any

from ._arrays import Values, clip, exp2, floating, log2, where

SDR_WHITE_NITS = 203.0  # HDR reference white, ITU-R BT.2408-7 2.1

PQ_PEAK_NITS = 10000.0
_PQ_M1, _PQ_M2 = 2610 / 16384, 2523 / 4096 * 128
_PQ_C1, _PQ_C2, _PQ_C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32

_HLG_A = 0.17883277
_HLG_B = 1 - 4 * _HLG_A
_HLG_C = 0.5 - _HLG_A * math.log(4 * _HLG_A)

# The exact join of the two pieces, BT.2020-2 note to table 4 (alpha, beta).
_BT2020_ALPHA, _BT2020_BETA = 1.09929682680944, 0.018053968510807


def srgb_decode(signal: Values) -> Values:
    """sRGB signal in [0, 1] to linear light in [0, 1].

    Source: IEC 61966-2-1:1999, 5.2.
    """
    v = clip(floating(signal), 0.0, 1.0)
    return where(v <= 0.04045, v / 12.92, _power((v + 0.055) / 1.055, 2.4))


def srgb_encode(linear: Values) -> Values:
    """Linear light in [0, 1] to sRGB signal in [0, 1].

    Source: IEC 61966-2-1:1999, 5.3.
    """
    v = clip(floating(linear), 0.0, 1.0)
    return where(v <= 0.0031308, v * 12.92, 1.055 * _power(v, 1 / 2.4) - 0.055)


def bt709_encode(scene: Values) -> Values:
    """Scene light in [0, 1] to signal in [0, 1], the OETF of BT.709 and of BT.601.

    Source: ITU-R BT.709-6, 1.2.
    """
    v = clip(floating(scene), 0.0, 1.0)
    return where(v < 0.018, 4.5 * v, 1.099 * _power(v, 0.45) - 0.099)


def bt709_decode(signal: Values) -> Values:
    """Signal in [0, 1] to scene light in [0, 1]: the inverse of `bt709_encode`."""
    v = clip(floating(signal), 0.0, 1.0)
    # The two pieces leave a gap at their join; scene light 0.018 has the signal 4.5 * 0.018.
    return where(v < 0.081, v / 4.5, _power((v + 0.099) / 1.099, 1 / 0.45))


def bt2020_encode(scene: Values) -> Values:
    """Scene light in [0, 1] to signal in [0, 1], BT.2020's OETF with its exact join.

    Source: ITU-R BT.2020-2, table 4.
    """
    v = clip(floating(scene), 0.0, 1.0)
    alpha = _BT2020_ALPHA
    return where(v < _BT2020_BETA, 4.5 * v, alpha * _power(v, 0.45) - (alpha - 1))


def bt2020_decode(signal: Values) -> Values:
    """Signal in [0, 1] to scene light in [0, 1]: the inverse of `bt2020_encode`."""
    v = clip(floating(signal), 0.0, 1.0)
    alpha = _BT2020_ALPHA
    curve = _power((v + (alpha - 1)) / alpha, 1 / 0.45)
    return where(v < 4.5 * _BT2020_BETA, v / 4.5, curve)


def bt1886_decode(signal: Values, white_nits: float = 100.0, black_nits: float = 0.0) -> Values:
    """Signal in [0, 1] to display light in cd/m2, the EOTF of BT.1886.

    Source: ITU-R BT.1886 (2011), annex 1.
    """
    gain, lift = _bt1886_terms(white_nits, black_nits)
    return gain * _power(clip(floating(signal), 0.0, 1.0) + lift, 2.4)


def bt1886_encode(nits: Values, white_nits: float = 100.0, black_nits: float = 0.0) -> Values:
    """Display light in [black_nits, white_nits] to signal in [0, 1]: the inverse EOTF."""
    gain, lift = _bt1886_terms(white_nits, black_nits)
    return _power(clip(floating(nits), black_nits, white_nits) / gain, 1 / 2.4) - lift


def pq_decode(signal: Values) -> Values:
    """PQ signal in [0, 1] to display light in [0, 10000] cd/m2, the PQ EOTF.

    Source: SMPTE ST 2084:2014, 5.2; ITU-R BT.2100-2, table 4.
    """
    v = _power(clip(floating(signal), 0.0, 1.0), 1 / _PQ_M2)
    ratio = clip(v - _PQ_C1, 0.0, 1.0) / (_PQ_C2 - _PQ_C3 * v)
    return PQ_PEAK_NITS * _power(ratio, 1 / _PQ_M1)


def pq_encode(nits: Values) -> Values:
    """Display light in [0, 10000] cd/m2 to PQ signal in [0, 1], the inverse EOTF.

    Source: SMPTE ST 2084:2014, 5.3; ITU-R BT.2100-2, table 4.
    """
    v = _power(clip(floating(nits), 0.0, PQ_PEAK_NITS) / PQ_PEAK_NITS, _PQ_M1)
    return _power((_PQ_C1 + _PQ_C2 * v) / (1 + _PQ_C3 * v), _PQ_M2)


def hlg_encode(scene: Values) -> Values:
    """Scene light in [0, 1] to HLG signal in [0, 1], the HLG OETF.

    Source: ITU-R BT.2100-2, table 5.
    """
    v = clip(floating(scene), 0.0, 1.0)
    log = _HLG_A * math.log(2) * log2(clip(12 * v - _HLG_B, 1e-9, 12.0)) + _HLG_C
    return where(v <= 1 / 12, _power(3 * v, 0.5), log)


def hlg_decode(signal: Values) -> Values:
    """HLG signal in [0, 1] to scene light in [0, 1], the inverse HLG OETF.

    Source: ITU-R BT.2100-2, table 5.
    """
    v = clip(floating(signal), 0.0, 1.0)
    curve = (exp2((v - _HLG_C) / (_HLG_A * math.log(2))) + _HLG_B) / 12
    return where(v <= 0.5, v * v / 3, curve)


def hlg_system_gamma(peak_nits: float) -> float:
    """The system gamma of an HLG display of nominal peak `peak_nits`: 1.2 at 1000 cd/m2.

    Source: ITU-R BT.2100-2, table 5, note 5f; BT.2390-11 6.2 outside 400..2000 cd/m2.
    """
    if 400.0 <= peak_nits <= 2000.0:
        return 1.2 + 0.42 * math.log10(peak_nits / 1000.0)
    return float(1.2 * 1.111 ** math.log2(peak_nits / 1000.0))


DECODERS: dict[str, Callable[[Values], Values]] = {
    "srgb": srgb_decode,
    "bt709": bt709_decode,
    "bt2020": bt2020_decode,
    "pq": pq_decode,
    "hlg": hlg_decode,
}


def _bt1886_terms(white_nits: float, black_nits: float) -> tuple[float, float]:
    white, black = white_nits ** (1 / 2.4), black_nits ** (1 / 2.4)
    return (white - black) ** 2.4, black / (white - black)


def _power(values: Any, exponent: float) -> Any:
    return values**exponent
