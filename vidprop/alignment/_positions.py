"""Position maps: for each pixel of a frame, where it was in another frame.

Positions are [H, W, 2], float32, absolute pixel coordinates (x, y); pixel
centres lie on whole numbers. They may lie outside the other frame: such a
position is extrapolated, and `inside` tells.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.errors import InputError


def identity_positions(height: int, width: int) -> NDArray[np.float32]:
    """Positions of a frame in itself."""
    x = np.arange(width, dtype=np.float32)
    y = np.arange(height, dtype=np.float32)
    return np.stack(np.meshgrid(x, y), axis=-1)


def flow_positions(flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """Positions that a flow [H, W, 2] points at."""
    return flow + identity_positions(*flow.shape[:2])


def compose(
    flow_to_prev: NDArray[np.float32], positions_prev: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Continue a chain of positions by one frame.

    `positions(p) = positions_prev(p + flow_to_prev(p))`, bilinear. Outside the
    previous frame its outermost displacement goes on, so positions stay extrapolated.

    Args:
        flow_to_prev: [H, W, 2], where each pixel was in the frame before.
        positions_prev: [H, W, 2], positions of the frame before in the key frame.
    Returns:
        [H, W, 2], positions of the frame in the key frame.
    """
    identity = identity_positions(*flow_to_prev.shape[:2])
    # Displacements have an edge value that means something; positions have not.
    return identity + flow_to_prev + warp(positions_prev - identity, identity + flow_to_prev)


def extend(
    positions: NDArray[np.float32], flow_to_next: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Continue a chain at its far end: follow the pixels of the key frame one frame further.

    Args:
        positions: [H, W, 2], where each pixel of the key frame lies in some frame.
        flow_to_next: [H, W, 2], where each pixel of that frame lies in the one after it.
    Returns:
        [H, W, 2], where each pixel of the key frame lies in the one after it.
    """
    return positions + warp(flow_to_next, positions)


def warp(
    image: NDArray[np.generic],
    positions: NDArray[np.floating],
    interpolation: int = cv2.INTER_LINEAR,
) -> NDArray[np.float32]:
    """Sample an image, bilinearly unless told otherwise; beyond its border the border repeats.

    Args:
        image: [h, w] or [h, w, C], any real type; sides up to 32767.
        positions: [H, W, 2] in the image.
        interpolation: one of OpenCV's.
    Returns:
        [H, W] or [H, W, C].
    Raises:
        InputError: a shape does not fit.
    """
    if image.ndim not in (2, 3) or image.size == 0:
        raise InputError(f"image: want [h, w] or [h, w, C], got {image.shape}")
    if positions.ndim != 3 or positions.shape[2] != 2:
        raise InputError(f"positions: want [H, W, 2], got {positions.shape}")
    sampled: NDArray[np.float32] = cv2.remap(
        np.ascontiguousarray(image, dtype=np.float32),
        np.ascontiguousarray(positions, dtype=np.float32),
        None,
        interpolation,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return sampled.reshape(positions.shape[:2] + image.shape[2:])


def halved(flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """A flow [H, W, 2] at half its size, in pixels of that size."""
    height, width = flow.shape[0] // 2, flow.shape[1] // 2
    small: NDArray[np.float32] = cv2.resize(flow, (width, height), interpolation=cv2.INTER_AREA)
    return small * np.float32(0.5)


def enlarged(
    positions: NDArray[np.float32], shape: tuple[int, int] | None = None
) -> NDArray[np.float32]:
    """Positions [h, w, 2] for every pixel of a larger size, in its pixels.

    Args:
        shape: the larger height and width; twice the size if none is given.
    """
    h, w = positions.shape[:2]
    height, width = shape or (2 * h, 2 * w)
    scale = np.array([width / w, height / h], np.float32)
    moves = (positions - identity_positions(h, w)) * scale
    large: NDArray[np.float32] = cv2.resize(moves, (width, height), interpolation=cv2.INTER_LINEAR)
    return large + identity_positions(height, width)


def inside(positions: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Tell which positions [H, W, 2] fall on a pixel of a frame of `shape` (height, width)."""
    limits = np.array([shape[1] - 0.5, shape[0] - 0.5], np.float32)
    within = (positions >= -0.5) & (positions <= limits)
    return within[..., 0] & within[..., 1]


def consistency(forward: NDArray[np.float32], backward: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far from home a pixel lands that follows one flow and then the other back.

    Args:
        forward: [H, W, 2], where each pixel of the target was in the source, as a flow.
        backward: [H, W, 2], where each pixel of the source is in the target, as a flow.
    Returns:
        [H, W], pixels; 0 where the two agree.
    """
    return np.linalg.norm(forward + warp(backward, flow_positions(forward)), axis=-1)


def luma_residual(
    target: NDArray[np.generic], source: NDArray[np.generic], positions: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Target minus the source warped onto it, both [H, W], in their own units, signed."""
    return target.astype(np.float32) - warp(source, positions)
