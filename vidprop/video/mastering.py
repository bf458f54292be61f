"""HDR10's static metadata: what a film was graded on, and how bright it gets."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidprop.color.matrices import P3_D65, Primaries
from vidprop.errors import InputError


@dataclass(frozen=True, slots=True)
class Mastering:
    """The display on which a film was graded. Source: SMPTE ST 2086:2018."""

    primaries: Primaries = P3_D65
    max_nits: float = 1000.0
    min_nits: float = 0.0001

    def __post_init__(self) -> None:
        if not 0 <= self.min_nits < self.max_nits <= 10000:
            raise InputError(
                "mastering display: 0 <= min_nits < max_nits <= 10000 is needed, "
                f"got {self.min_nits} and {self.max_nits}"
            )

    @property
    def text(self) -> str:
        """As x265 and ffmpeg take it: xy in 1/50000, cd/m2 in 1/10000."""
        p = self.primaries
        points = zip("GBRW", (p.green, p.blue, p.red, p.white), strict=True)
        xy = "".join(
            f"{name.replace('W', 'WP')}({round(x * 50000)},{round(y * 50000)})"
            for name, (x, y) in points
        )
        return f"{xy}L({round(self.max_nits * 10000)},{round(self.min_nits * 10000)})"


@dataclass(frozen=True, slots=True)
class ContentLight:
    """The brightest pixel and the brightest frame, cd/m2. Source: CTA-861.3-A, annex P."""

    max_cll: int
    max_fall: int

    @property
    def text(self) -> str:
        """As x265 and ffmpeg take it."""
        return f"{self.max_cll},{self.max_fall}"


class LightMeter:
    """Measures a film's light, frame after frame.

    A pixel's light is the largest of its R, G and B; a frame's is the mean of its pixels'.
    Source: CTA-861.3-A, annex P.
    """

    def __init__(self) -> None:
        self._pixel = 0.0
        self._frame = 0.0

    def add(self, nits: NDArray[np.floating]) -> None:
        """Take a frame in: [H, W, 3], linear light in cd/m2, finite."""
        # NumPy's own maximum over so short an axis takes ten times as long.
        largest = np.maximum(np.maximum(nits[..., 0], nits[..., 1]), nits[..., 2])
        self._pixel = max(self._pixel, float(largest.max()))
        self._frame = max(self._frame, float(largest.mean(dtype=np.float64)))

    @property
    def light(self) -> ContentLight:
        """What was measured so far, rounded up: the values are limits."""
        pixel, frame = (min(65535, int(np.ceil(v))) for v in (self._pixel, self._frame))
        return ContentLight(pixel, frame)
