"""What was carried and the picture of its frame are joined so that the result follows both."""

import cv2
import numpy as np

from vidprop.alignment import identity_positions
from vidprop.color.matrices import BT709, luminance
from vidprop.color.transfer import srgb_encode
from vidprop.edits import hdr, hdr_join
from vidprop.edits.camera_curve import assumed_curve
from vidprop.edits.hdr_detail import KeyRadiance, RadianceCarry, brought

CURVE = assumed_curve()
STILL = np.zeros(3, np.float32)


def picture(height: int = 60, width: int = 90) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0, 8, (height, width, 3))
    return np.exp2(cv2.GaussianBlur(noise, None, 3) * 2).astype(np.float32)


def shown(stops: np.ndarray) -> np.ndarray:
    """The picture an sRGB camera makes, 8 bits, as a signal."""
    codes = np.rint(255 * srgb_encode(np.clip(np.exp2(stops), 0, 1)))
    return (codes / 255).astype(np.float32)


def test_luminance_of_well_exposed_pixels_follows_the_picture_to_within_its_quantisation() -> None:
    stops = np.log2(picture()) * np.float32(0.5) - np.float32(1.5)
    signal = shown(stops)
    wrong = stops + np.random.default_rng(0).normal(0, 2, stops.shape).astype(np.float32)
    joined = hdr_join.join(wrong, STILL, CURVE.read(signal))
    shown_well = (CURVE.weights(signal) == 1).all(axis=-1)
    well = cv2.erode(shown_well.astype(np.uint8), np.ones((3, 3), np.uint8)) == 1
    assert well.mean() > 0.1
    low, found, high = (
        np.log2(luminance(np.exp2(x.astype(np.float64)), BT709))[well]
        for x in (CURVE.interval(signal)[0], joined, CURVE.interval(signal)[1])
    )
    assert (found >= low - 2e-3).all()
    assert (found <= high + 2e-3).all()


def test_what_was_carried_smooths_the_steps_of_the_codes() -> None:
    ramp = np.linspace(-3.0, -2.5, 90, dtype=np.float32)
    stops = np.broadcast_to(ramp[None, :, None], (60, 90, 3)).copy()
    joined = hdr_join.join(stops, STILL, CURVE.read(shown(stops)))
    np.testing.assert_allclose(joined, stops, atol=2e-3)
    assert np.abs(CURVE.stops(shown(stops)) - stops).max() > 0.01


def test_clipped_pixels_take_what_was_carried() -> None:
    stops = np.full((40, 60, 3), 4.0, np.float32)
    stops[:, 30:] = -2
    joined = hdr_join.join(stops, STILL, CURVE.read(shown(stops)))
    np.testing.assert_allclose(joined, stops, atol=0.02)


def test_clipped_pixels_are_never_darker_than_white_nor_crushed_ones_lighter_than_black() -> None:
    white, black = np.ones((8, 9, 3), np.float32), np.zeros((8, 9, 3), np.float32)
    assert hdr_join.join(white - 6, STILL, CURVE.read(white)).min() > -0.2
    assert hdr_join.join(white + 1, STILL, CURVE.read(white)).min() == 2
    assert hdr_join.join(black, STILL, CURVE.read(black)).max() < -10


def test_exposure_shifts_the_result() -> None:
    stops = np.log2(picture())
    shift = np.float32([1.0, 0.5, -2.0])
    moved = hdr_join.join(stops + shift, shift, CURVE.read(shown(stops)))
    np.testing.assert_allclose(
        moved - shift, hdr_join.join(stops, STILL, CURVE.read(shown(stops))), atol=1e-4
    )


def test_rows_joined_apart_are_those_of_the_whole() -> None:
    stops = np.log2(picture(75, 90))
    signal, edit = shown(stops), small_edit(np.flipud(stops)[:74])
    signal = signal[:74]
    reading = CURVE.read(signal)
    large, shift = hdr_join.enlarged(edit, signal, reading)
    assert shift is not None
    whole = hdr_join.join(large, shift, reading)
    np.testing.assert_array_equal(hdr_join.filled(edit, signal, CURVE), whole)


def test_an_edit_of_half_the_size_is_enlarged_with_the_pictures_edges() -> None:
    stops = np.full((64, 64, 3), -5.0, np.float32)
    stops[:, 31:] = -1
    small = hdr.to_edit(cv2.resize(stops, (32, 32), interpolation=cv2.INTER_AREA), 0.0)
    large, shift = hdr_join.enlarged(small, shown(stops), CURVE.read(shown(stops)))
    assert large.shape == stops.shape
    assert shift is not None
    np.testing.assert_allclose(shift, 0, atol=0.02)
    np.testing.assert_allclose(hdr_join.filled(small, shown(stops), CURVE), stops, atol=0.3)


def test_a_key_frame_arrives_at_full_size_where_its_radiance_did() -> None:
    stops = np.random.default_rng(3).normal(4, 1, (32, 48, 3)).astype(np.float32)
    stops[:, :8] = -2  # what tells the exposure; the rest is clipped
    edit = small_edit(stops)
    carry = RadianceCarry(stops, identity_positions(16, 24))
    assert brought(edit, [carry])[1].min() > 0.99
    found = hdr_join.filled(edit, shown(stops), CURVE, [carry])
    np.testing.assert_allclose(found[:, 12:], stops[:, 12:], atol=0.05)
    edit[:, :, 16:] += 3 / 8 * np.float32([1, 0, 0])[:, None, None]
    assert brought(edit, [carry])[1][:, 36:].max() < 0.05


def test_a_frame_that_is_white_all_over_takes_what_was_carried() -> None:
    stops = cv2.GaussianBlur(np.random.default_rng(3).normal(4, 9, (32, 48, 3)), None, 4)
    white = np.ones((32, 48, 3), np.float32)
    found = hdr_join.filled(small_edit(stops.astype(np.float32)), white, CURVE)
    assert np.ptp(stops) > 1
    np.testing.assert_allclose(found, stops, atol=0.1)


def test_a_change_of_the_light_does_not_keep_a_key_frame_back() -> None:
    stops = np.random.default_rng(3).normal(4, 1, (32, 48, 3)).astype(np.float32)
    carry = RadianceCarry(stops, identity_positions(16, 24))
    arrived, agreement = brought(small_edit(stops + 2), [carry])
    assert agreement.min() > 0.99
    np.testing.assert_allclose(arrived, stops + 2, atol=0.01)


def small_edit(stops: np.ndarray) -> np.ndarray:
    size = (stops.shape[1] // 2, stops.shape[0] // 2)
    return hdr.to_edit(cv2.resize(stops, size, interpolation=cv2.INTER_AREA), 0.0)


def test_of_two_key_frames_the_one_whose_luma_fits_counts() -> None:
    stops = np.log2(picture(64, 96))
    striped = stops + np.float32(0.2) * (np.arange(96) // 8 % 2 * 2 - 1)[:, None]
    luma = np.rint(255 * shown(stops).mean(axis=-1)).astype(np.uint8)
    other = np.ascontiguousarray(luma[::-1, ::-1])
    here = identity_positions(32, 48)
    errors = [
        np.abs(brought(small_edit(stops), carries)[0] - stops).mean()
        for carries in (
            [RadianceCarry(stops, here, 0.5), RadianceCarry(striped, here, 0.5)],
            [
                KeyRadiance(stops, luma).carried(luma, here, 0.5),
                KeyRadiance(striped, other).carried(luma, here, 0.5),
            ],
        )
    ]
    assert errors[0] > 0.05
    assert errors[1] < errors[0] / 3
