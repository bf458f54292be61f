"""What old film does to luma: grain, blur, fading, flicker, scratches."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Film:
    """One film stock's faults; amplitudes in units of the full range (0 to 1).

    Attributes:
        blur: standard deviation of the lens and print blur, pixels.
        grain: standard deviation of the grain.
        grain_size: its correlation length, pixels.
        black, white: where fading moved black and white to.
        flicker: standard deviation of a frame's gain.
        seed: of the noise.
    """

    blur: float
    grain: float
    grain_size: float
    black: float
    white: float
    flicker: float
    seed: int

    @classmethod
    def sample(cls, rng: np.random.Generator) -> "Film":
        """Draw a film between nearly new and badly worn."""
        return cls(
            blur=rng.uniform(0, 1.2),
            grain=rng.uniform(0.005, 0.05),
            grain_size=rng.uniform(0.4, 1.2),
            black=rng.uniform(0, 0.15),
            white=rng.uniform(0.75, 1),
            flicker=rng.uniform(0, 0.03),
            seed=int(rng.integers(2**31)),
        )

    def degrade_clip(self, luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Wear a clip [T, H, W] down; every frame has grain of its own."""
        rng = np.random.default_rng(self.seed)
        return np.stack([self._degrade(frame, rng) for frame in luma])

    def _degrade(self, luma: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        values = luma.astype(np.float32) / 255
        if self.blur > 0.3:
            values = cv2.GaussianBlur(values, (0, 0), self.blur)
        noise = rng.standard_normal(luma.shape).astype(np.float32)
        noise = cv2.GaussianBlur(noise, (0, 0), self.grain_size)
        noise *= self.grain / noise.std()
        gain = rng.normal(1, self.flicker)
        values = (self.black + values * (self.white - self.black)) * gain + noise
        return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
