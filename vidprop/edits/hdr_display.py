"""Scene radiance on an HDR display: the absolute scale, the peak, and the signal to be stored."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vidprop.color.display import hlg_display_to_scene
from vidprop.color.matrices import BT709, BT2020, Primaries, convert_primaries
from vidprop.color.transfer import PQ_PEAK_NITS, SDR_WHITE_NITS, hlg_encode, pq_encode
from vidprop.errors import InputError

from .triples import largest

Array = NDArray[np.floating]
Transfer = Literal["pq", "hlg"]

_KNEE = 0.75  # of the peak; light above it is rolled off instead of cut


@dataclass(frozen=True, slots=True)
class DisplayScale:
    """How radiance becomes light of a display.

    white: stops shown as diffuse white. white_nits, peak_nits: cd/m2 of diffuse white
        (ITU-R BT.2408-7: 203) and of the brightest light.
    primaries: in which radiance is given.
    """

    white: float
    white_nits: float = SDR_WHITE_NITS
    peak_nits: float = 1000.0
    primaries: Primaries = BT709

    def __post_init__(self) -> None:
        if not 1 <= self.white_nits <= self.peak_nits <= PQ_PEAK_NITS:
            raise InputError(
                "diffuse white and peak: 1 <= white <= peak <= 10000 cd/m2 is needed, "
                f"got {self.white_nits:g} and {self.peak_nits:g}"
            )

    def nits(self, stops: Array) -> Array:
        """Stops [..., 3] as light of a BT.2020 display, cd/m2, from 0 to the peak."""
        above = np.minimum(np.asarray(stops, np.float32) - np.float32(self.white), 40.0)
        light = np.exp2(above) * np.float32(self.white_nits)
        wide = np.maximum(convert_primaries(light, self.primaries, BT2020), 0.0)
        return roll_off(wide, self.peak_nits)

    def signal(self, nits: Array, transfer: Transfer) -> Array:
        """Light [..., 3] as R'G'B' in 0..1, by PQ or by HLG."""
        if transfer == "pq":
            return np.asarray(pq_encode(nits))
        return np.asarray(hlg_encode(hlg_display_to_scene(nits, self.peak_nits)))


def roll_off(nits: Any, peak: float) -> Array:
    """Light [..., 3] with what is above the peak brought below it, hues kept.

    Up to three quarters of the peak nothing changes; from there on the largest channel
    nears the peak, and the others keep their ratio to it.
    """
    light = np.asarray(nits)
    most = largest(light)[..., None]
    knee = light.dtype.type(_KNEE * peak)
    room = light.dtype.type((1 - _KNEE) * peak)
    bent = knee + room * -np.expm1(-np.maximum(most - knee, 0) / room)
    rolled = np.minimum(light * (bent / np.maximum(most, knee)), light.dtype.type(peak))
    return np.where(most > knee, rolled, light)
