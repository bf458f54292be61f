"""Drift of exposure is followed, and split into the camera's part and the scene's."""

import cv2
import numpy as np
import pytest

from vidprop.edits.camera_curve import assumed_curve
from vidprop.edits.camera_exposure import DriftTracker, SmallFrame, exposures, offset

CURVE = assumed_curve()


def stops_of_scene() -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 6, (140, 260, 3))
    return cv2.GaussianBlur(noise, None, 4).astype(np.float32) * 2 - 3


def frame(shift: int, exposure: float | np.ndarray) -> SmallFrame:
    """The scene seen `shift` pixels further right, 8 bits."""
    stops = stops_of_scene()[10:106, 10 + shift : 170 + shift] + exposure
    light = np.clip(np.exp2(stops), 0, 1)
    codes = np.rint(255 * np.where(light < 0.0031308, 12.92 * light, 1.055 * light**0.4167 - 0.055))
    signal = (codes / 255).astype(np.float32)
    luma = np.rint(signal.mean(axis=-1) * 255).astype(np.uint8)
    return SmallFrame(luma, CURVE.stops(signal), CURVE.weights(signal))


def track(values: list) -> np.ndarray:
    tracker = DriftTracker()
    return np.stack([tracker.add(frame(2 * t, value)) for t, value in enumerate(values)])


def test_no_drift_stays_none() -> None:
    assert np.abs(track([0.0] * 8)).max() < 0.01


def test_a_drift_of_more_than_a_stop_is_followed() -> None:
    values = list(np.linspace(0, 1.4, 12))
    np.testing.assert_allclose(track(values).mean(axis=1), values, atol=0.06)


def test_white_balance_is_followed_in_each_channel() -> None:
    values = [np.float32([0.05, 0.0, -0.04]) * t for t in range(10)]
    np.testing.assert_allclose(track(values)[-1], values[-1], atol=0.05)


def test_frames_without_a_pixel_in_common_keep_the_last_drift() -> None:
    tracker = DriftTracker()
    tracker.add(frame(0, 0.0))
    dark = SmallFrame(np.zeros((96, 160), np.uint8), np.zeros((96, 160, 3)), np.zeros((96, 160, 3)))
    np.testing.assert_array_equal(tracker.add(dark), 0)


DRIFT = [np.full(3, value) for value in (0.0, 0.7, 0.4, 1.0)]


def test_with_one_key_frame_the_camera_is_held_to_have_drifted() -> None:
    first = exposures(DRIFT, np.full(3, 2.0), None)
    np.testing.assert_allclose(first.offsets[:, 0], [2.0, 1.3, 1.6, 1.0])
    np.testing.assert_array_equal(first.light, 0)
    last = exposures(DRIFT, None, np.full(3, 2.0))
    np.testing.assert_allclose(last.offsets[:, 0], [3.0, 2.3, 2.6, 2.0])


def test_key_frames_that_differ_by_the_drift_say_it_was_the_camera() -> None:
    found = exposures(DRIFT, np.full(3, 2.0), np.full(3, 1.0))
    np.testing.assert_allclose(found.offsets[:, 0], [2.0, 1.3, 1.6, 1.0])
    np.testing.assert_allclose(found.light, 0, atol=1e-12)


def test_key_frames_that_do_not_differ_say_it_was_the_scene() -> None:
    found = exposures(DRIFT, np.full(3, 2.0), np.full(3, 2.0))
    np.testing.assert_allclose(found.offsets, 2.0)
    np.testing.assert_allclose(found.light, np.stack(DRIFT))


def test_a_drift_too_small_to_tell_is_the_cameras() -> None:
    small = [drift * 0.09 / 0.8 for drift in DRIFT]
    found = exposures([*small, np.full(3, 0.05)], np.full(3, 2.0), np.full(3, 2.0))
    np.testing.assert_array_equal(found.light, 0)


@pytest.mark.parametrize("last", [-1.0, 0.3, 4.0])
def test_offsets_meet_both_key_frames(last: float) -> None:
    found = exposures(DRIFT, np.zeros(3), np.full(3, last))
    np.testing.assert_allclose(found.offsets[[0, -1], 0], [0.0, last])


def test_without_key_frames_the_first_frame_is_the_measure() -> None:
    np.testing.assert_allclose(exposures(DRIFT, None, None).offsets, -np.stack(DRIFT))


def test_the_offset_of_a_key_frame_is_taken_where_the_curve_is_trusted() -> None:
    shown = np.random.default_rng(0).normal(0, 1, (30, 40, 3))
    stops, trust = shown + np.array([1.0, 2.0, 3.0]), np.ones((30, 40))
    stops[:10] += 5
    trust[:10] = 0
    np.testing.assert_allclose(offset(stops, shown, trust), [1, 2, 3])


def test_without_trusted_pixels_the_offset_is_that_of_all() -> None:
    shown = np.zeros((8, 9, 3))
    np.testing.assert_allclose(offset(shown + 2, shown, np.zeros((8, 9))), 2)
