"""How far an HDR clip is from the truth, and how much it flickers.

Delta E ITP is in `vidprop.color.display`. "Radiance" is linear light in any
unit; "nits" is light of a display in cd/m2.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidprop.alignment import warp
from vidprop.evaluation.metrics import Motion, psnr

Array = NDArray[Any]

# Variant "banding_glare", the one its authors advise; fitted from 0.005 to 10000 cd/m2.
_PU21 = (0.353487901, 0.3734658629, 8.277049286e-05, 0.9062562627, 0.09150303166, 0.9099517204)
_PU21_SCALE = 596.3148142
_PU21_RANGE = (0.005, 10000.0)
PU21_PEAK = 256.0
"""The PSNR peak its authors use: the value of 100 cd/m2, white of an SDR display."""


def pu21(nits: Any) -> Array:
    """Display light in cd/m2 as perceptually uniform values: about 0 at 0.005, 256 at 100.

    Source: Mantiuk and Azimi, PU21: A novel perceptually uniform encoding, 2021.
    """
    light = np.clip(np.asarray(nits, np.float64), *_PU21_RANGE) ** _PU21[3]
    ratio = (_PU21[0] + _PU21[1] * light) / (1 + _PU21[2] * light)
    return _PU21_SCALE * (ratio ** _PU21[4] - _PU21[5])


def pu21_psnr(truth_nits: Array, estimate_nits: Array) -> float:
    """PSNR after PU21, dB, of linear RGB [H, W, 3] in cd/m2."""
    return psnr(pu21(truth_nits), pu21(estimate_nits), PU21_PEAK)


def log_rmse(truth: Array, estimate: Array, where: Array | None = None) -> float:
    """Root mean squared error of log2 radiance, in stops.

    Args:
        truth, estimate: log2 radiance, [..., H, W].
        where: [..., H, W], the pixels that count, such as those clipped in the LDR frame.
    Returns:
        NaN if no pixel counts.
    """
    squares = np.square(truth.astype(np.float64) - estimate)
    counted = squares if where is None else squares[where]
    return float(np.sqrt(counted.mean())) if counted.size else float("nan")


def flicker(truth: Sequence[Array], estimate: Sequence[Array], motion: Sequence[Motion]) -> float:
    """Change from frame to frame that the truth does not have, in stops (root mean square).

    Args:
        truth, estimate: log2 radiance [H, W] of consecutive frames.
        motion: of each frame but the first; only visible pixels count.
    Returns:
        0 for the truth, and for any error that moves with the scene.
    """
    errors = [after - before for before, after in zip(truth, estimate, strict=True)]
    changes = [
        (after - warp(before, step.positions))[step.visible]
        for before, after, step in zip(errors, errors[1:], motion, strict=False)
    ]
    squares = np.square(np.concatenate(changes, dtype=np.float64)) if changes else np.zeros(1)
    return float(np.sqrt(squares.mean())) if squares.size else 0.0
