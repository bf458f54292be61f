"""A small clip whose colours are known: textured blocks that move, two shots."""

from dataclasses import dataclass

import cv2
import numpy as np
import pytest

HEIGHT, WIDTH = 64, 96
FIRST_SHOT, SECOND_SHOT = 14, 10


@dataclass(frozen=True)
class Truth:
    """R'G'B' frames [N, H, W, 3] and their luma [N, H, W], uint8 codes of limited BT.709."""

    rgb: np.ndarray
    luma: np.ndarray
    cut: int


def shot(seed, count):
    """Frames of smooth coloured texture, moving by one pixel a frame."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0.1, 0.9, (10, 16, 3)).astype(np.float32)
    fine = rng.uniform(-0.1, 0.1, (HEIGHT, WIDTH + 32, 1)).astype(np.float32)
    large = cv2.resize(coarse, (WIDTH + 32, HEIGHT), interpolation=cv2.INTER_CUBIC)
    large = np.clip(large + cv2.blur(fine, (3, 3))[..., None], 0, 1)
    return np.stack([large[:, t : t + WIDTH] for t in range(count)])


def luma_codes(rgb):
    """Limited-range 8-bit BT.709 luma."""
    return np.rint(16 + 219 * (rgb @ np.array([0.2126, 0.7152, 0.0722]))).astype(np.uint8)


@pytest.fixture(scope="session")
def truth():
    rgb = np.concatenate([shot(1, FIRST_SHOT), shot(2, SECOND_SHOT)])
    return Truth(np.rint(rgb * 255).astype(np.uint8), luma_codes(rgb), FIRST_SHOT)
