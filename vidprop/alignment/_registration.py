"""Correction of a chain of positions by what is left between its key frame and a frame.

Every link of a chain of flows is off by a little, and that adds up. A key frame that is
moved along the chain lies nearly on the frame: a flow between the two finds what is left.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.alignment._flow import Flow, FlowConfig, flow_luma
from vidprop.alignment._positions import compose, enlarged, halved, identity_positions, warp

# Standard deviation, in pixels, of the window in which residuals are compared.
_WINDOW = 2.0
# Levels of luma, of 255, by which a correction must lessen the residual to count by a half, and
# how fast it counts more. Flat places fit anything: there the chain knows better.
_LEAST_GAIN = 1.0
_SOFTNESS = 0.5


@dataclass(frozen=True)
class Registration:
    """Puts a key frame onto frames that a chain has brought it near to.

    Measured on what is warped: 0.7 dB over the chain alone for colour, K = 30, and 2.2 dB for
    radiance, K = 20.

    Args:
        key_luma: [H, W], 8 bits; H and W even.
        flow: what searches for the rest.
    """

    key_luma: NDArray[np.uint8]
    flow: Flow = field(default_factory=lambda: Flow(FlowConfig(patch_stride=6)))

    def __call__(
        self, luma: NDArray[np.uint8], positions: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Correct a frame's positions in the key frame.

        Where the correction fits the frame's luma no better, it counts little.

        Args:
            luma: [H, W], 8 bits, the frame.
            positions: [H/2, W/2, 2], in pixels of that size.
        Returns:
            the same, corrected.
        """
        there = warp(self.key_luma, enlarged(positions))
        change = _change(luma, there)
        corrected = compose(halved(self._rest(luma, there + change)), positions)
        moved = warp(self.key_luma, enlarged(corrected))
        share = _share(*(_reduced(_residual(luma, x + change)) for x in (there, moved)))
        return positions + share * (corrected - positions)

    def at_full_size(
        self, luma: NDArray[np.uint8], positions: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same for every pixel of luma.

        Args:
            luma: [H, W], 8 bits, the frame.
            positions: [h, w, 2], in pixels of any smaller size.
        Returns:
            positions [H, W, 2], and the key frame's luma moved to the frame by them, [H, W], as
            bright as the frame.
        """
        full = enlarged(positions, luma.shape)
        there = warp(self.key_luma, full)
        change = _change(luma, there)
        there += change
        corrected = compose(self._rest(luma, there), full)
        moved = warp(self.key_luma, corrected) + change
        share = _share(*(_residual(luma, one) for one in (there, moved)))
        return full + share * (corrected - full), there + share[..., 0] * (moved - there)

    def _rest(self, luma: NDArray[np.uint8], moved: NDArray[np.float32]) -> NDArray[np.float32]:
        return self.flow(luma, flow_luma(moved / np.float32(255)))


def _change(luma: NDArray[np.uint8], moved: NDArray[np.float32]) -> np.float32:
    """By how much a frame has become brighter than the key frame: film flickers."""
    return np.float32(np.median((luma - moved)[::2, ::2]))


def _share(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much a correction counts by the residuals without it and with it: [..., 1], 0 to 1."""
    gain = (before - after - _LEAST_GAIN) / _SOFTNESS
    share: NDArray[np.float32] = 1 / (1 + np.exp(-np.clip(gain, -30, 30)))
    return share[..., None]


def _residual(luma: NDArray[np.uint8], moved: NDArray[np.float32]) -> NDArray[np.float32]:
    residual: NDArray[np.float32] = cv2.GaussianBlur(np.abs(luma - moved), (0, 0), _WINDOW)
    return residual


def _reduced(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = plane.shape
    half = (width // 2, height // 2)
    small: NDArray[np.float32] = cv2.resize(plane, half, interpolation=cv2.INTER_AREA)
    return small


class RegisteredChain:
    """Positions in a key frame, at half the size, every link of the chain put right.

    Keeps the key frame's luma and one position map, however long the stream.

    Args:
        key_luma: [H, W], 8 bits; H and W even.
    """

    def __init__(self, key_luma: NDArray[np.uint8]) -> None:
        self._register = Registration(key_luma)
        height, width = key_luma.shape
        self.positions = identity_positions(height // 2, width // 2)

    def follow(self, luma: NDArray[np.uint8], flow: NDArray[np.float32]) -> NDArray[np.float32]:
        """Positions [H/2, W/2, 2] of the next frame.

        Args:
            luma: [H, W], 8 bits.
            flow: [H/2, W/2, 2], to the frame before, in pixels of that size.
        """
        self.positions = self._register(luma, compose(flow, self.positions))
        return self.positions
