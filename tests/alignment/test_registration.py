"""What is left between a moved key frame and a frame is found, and counts where it fits."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from vidprop.alignment import (
    RegisteredChain,
    Registration,
    dense_flow,
    enlarged,
    halved,
    identity_positions,
    warp,
)


def picture(height: int = 96, width: int = 128, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 1, (height + 16, width + 16)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, None, 3)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def shifted(image: np.ndarray, x: int, y: int) -> np.ndarray:
    return image[8 + y : image.shape[0] - 8 + y, 8 + x : image.shape[1] - 8 + x]


@pytest.mark.parametrize("error", [(0.0, 0.0), (1.0, -0.5), (-1.5, 1.0)])
def test_an_error_of_the_chain_is_put_right(error: tuple[float, float]) -> None:
    image = picture()
    key, frame = shifted(image, 0, 0), shifted(image, 4, -2)
    truth = identity_positions(48, 64) + np.float32([2, -1])
    found = Registration(key)(frame, truth + np.float32(error))
    inner = np.s_[6:-6, 6:-6]
    assert np.abs(found - truth)[inner].max() < 0.15


@pytest.mark.parametrize("brighter", [-40, 40])
def test_a_frame_that_flickers_is_registered_too(brighter: int) -> None:
    image = (picture() * 0.6 + 50).astype(np.uint8)
    key, frame = shifted(image, 0, 0), shifted(image, 4, -2).astype(int) + brighter
    truth = identity_positions(48, 64) + np.float32([2, -1])
    found = Registration(key)(frame.astype(np.uint8), truth + np.float32([1.0, -0.5]))
    assert np.abs(found - truth)[6:-6, 6:-6].max() < 0.15


def test_positions_of_full_size_come_with_luma_that_fits() -> None:
    image = (picture() * 0.8).astype(np.uint8)
    key, frame = shifted(image, 0, 0), shifted(image, 3, -1) + np.uint8(20)
    truth = identity_positions(96, 128) + np.float32([3, -1])
    rough = identity_positions(48, 64) + np.float32([0.8, 0.3])
    found, moved = Registration(key).at_full_size(frame, rough)
    inner = np.s_[12:-12, 12:-12]
    assert np.abs(found - truth)[inner].max() < 0.3
    assert np.abs(moved - frame)[inner].mean() < 1.0


def test_a_frame_of_something_else_is_fit_no_worse() -> None:
    key, frame = shifted(picture(), 0, 0), shifted(picture(seed=1), 0, 0)
    here = identity_positions(48, 64)
    register = Registration(key)
    found = register(frame, here)
    residual = [np.abs(frame - warp(key, enlarged(at))).mean() for at in (here, found)]
    assert residual[1] < residual[0]


def test_a_still_frame_keeps_its_positions() -> None:
    key = np.full((64, 64), 90, np.uint8)
    here = identity_positions(32, 32)
    np.testing.assert_allclose(Registration(key)(key, here), here, atol=1e-4)


def test_halved_and_enlarged_are_each_others_inverse_for_even_motion() -> None:
    flow = np.full((32, 48, 2), np.float32([3, -1]))
    small = identity_positions(16, 24) + halved(flow)
    np.testing.assert_allclose(enlarged(small), identity_positions(32, 48) + flow, atol=1e-5)


def test_enlarged_takes_any_size() -> None:
    small = identity_positions(16, 24) + np.float32([1, 2])
    large = enlarged(small, (40, 72))
    np.testing.assert_allclose(
        large - identity_positions(40, 72), [[[3, 5]]] * np.ones((40, 72, 1)), atol=1e-4
    )


def test_a_registered_chain_does_not_go_astray() -> None:
    image = picture()
    frames = [shifted(image, x, 0) for x in (0, 2, 4, 6)]
    chain = RegisteredChain(frames[0])
    np.testing.assert_array_equal(chain.positions, identity_positions(48, 64))
    for before, frame in pairwise(frames):
        wrong = halved(dense_flow(frame, before)) + np.float32([0.4, 0.2])
        chain.follow(frame, wrong)
    truth = identity_positions(48, 64) + np.float32([3, 0])
    error = np.abs(chain.positions - truth)[6:-6, 6:-6]
    assert error.mean() < 0.1
