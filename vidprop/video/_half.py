"""Half floats of a linear EXR image as 16-bit codes that look like a log picture, and back.

The bits of a positive half, read as an integer, rise about as its logarithm. Those of
0.001 to 1, where pictures live, are spread four times as wide, so that a clip of linear
EXR has the contrast of other clips. Every half from 0 to infinity has a code of its own:
grey comes back bit for bit. Negative values become 0, NaN too.
"""

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint16]
Half = NDArray[np.float16]

TRANSFER = "half-codes"

_LOW = int(np.float16(0.001).view(np.uint16))
_HIGH = int(np.float16(1.0).view(np.uint16))
_INFINITY = int(np.float16(np.inf).view(np.uint16))
_SPREAD = 4


def to_codes(linear: NDArray[np.floating]) -> Codes:
    """Linear light of any shape as codes, rounded to half first; 0.001 is 5145, 1 is 46005."""
    positive = np.where(linear > 0, linear, 0)
    with np.errstate(over="ignore"):
        bits = positive.astype(np.float16).view(np.uint16).astype(np.int32)
    return (bits + (_SPREAD - 1) * (np.clip(bits, _LOW, _HIGH) - _LOW)).astype(np.uint16)


def from_codes(codes: Codes) -> Half:
    """The half whose code is nearest."""
    wide = codes.astype(np.int32)
    spread = _LOW + (np.clip(wide - _LOW, 0, _SPREAD * (_HIGH - _LOW)) + _SPREAD // 2) // _SPREAD
    above = np.maximum(wide - _LOW - _SPREAD * (_HIGH - _LOW), 0)
    bits = np.where(wide < _LOW, wide, spread + above)
    return np.minimum(bits, _INFINITY).astype(np.uint16).view(np.float16)
