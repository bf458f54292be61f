"""Scene light on a BT.2100 display and back, and the colour distance seen there."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .matrices import BT709, BT2020, Primaries, apply_matrix, as_float, convert_primaries
from .transfer import hlg_system_gamma, pq_encode

Array = NDArray[Any]

_BT2020_LUMINANCE = np.array([0.2627, 0.6780, 0.0593])  # ITU-R BT.2100-2, table 5

_RGB_TO_LMS = np.array([[1688, 2146, 262], [683, 2951, 462], [99, 309, 3688]]) / 4096
_LMS_TO_ICTCP = np.array([[2048, 2048, 0], [6610, -13613, 7003], [17933, -17390, -543]]) / 4096


def hlg_scene_to_display(scene: Any, peak_nits: float = 1000.0) -> Array:
    """HLG scene light, BT.2020 RGB [..., 3] in [0, 1], to display light in cd/m2: the OOTF.

    Source: ITU-R BT.2100-2, table 5, with black at 0.
    """
    rgb = np.maximum(as_float(scene), 0.0)
    luma = _weighted(rgb)
    return peak_nits * rgb * _safe_power(luma, hlg_system_gamma(peak_nits) - 1.0)


def hlg_display_to_scene(nits: Any, peak_nits: float = 1000.0) -> Array:
    """Display light, BT.2020 RGB [..., 3] in cd/m2, to HLG scene light: the inverse OOTF.

    Scene light above 1 is possible for saturated colours near the peak; `hlg_encode` clips it.
    """
    rgb = np.maximum(as_float(nits), 0.0) / peak_nits
    gamma = hlg_system_gamma(peak_nits)
    return rgb * _safe_power(_weighted(rgb), (1.0 - gamma) / gamma)


def ictcp(nits: Any, primaries: Primaries = BT2020) -> Array:
    """Display light, linear RGB [..., 3] in cd/m2, as PQ ICtCp: I in [0, 1], Ct and Cp around 0.

    Negative values, of colours outside BT.2020, count as 0 in the cone response.

    Source: ITU-R BT.2100-2, tables 6 and 7.
    """
    lms = apply_matrix(_RGB_TO_LMS, convert_primaries(nits, primaries, BT2020))
    return apply_matrix(_LMS_TO_ICTCP, pq_encode(lms))


def delta_e_itp(nits: Any, other_nits: Any, primaries: Primaries = BT709) -> Array:
    """Colour distance per pixel; 1 is a just noticeable difference at the best adaptation.

    Args:
        nits, other_nits: display light, linear RGB [..., 3] in cd/m2.
    Returns:
        [...], 720 * sqrt(dI^2 + dT^2 + dP^2) with T = Ct / 2 and P = Cp.
    Source: ITU-R BT.2124-0, annex 1.
    """
    step = ictcp(nits, primaries) - ictcp(other_nits, primaries)
    weights = np.array([1.0, 0.5, 1.0], step.dtype)
    return 720.0 * np.linalg.norm(step * weights, axis=-1)


def _weighted(rgb: Array) -> Array:
    return (rgb @ _BT2020_LUMINANCE.astype(rgb.dtype))[..., None]


def _safe_power(base: Array, exponent: float) -> Array:
    # Black stays black: a negative exponent would turn 0 * inf into NaN.
    return np.where(base > 0, np.maximum(base, np.finfo(base.dtype).tiny) ** exponent, 0.0)
