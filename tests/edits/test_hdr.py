"""HDR key frames are read safely, and frames joined so that they follow their picture."""

import cv2
import numpy as np
import pytest

from vidprop.color.matrices import BT709, BT2020, convert_primaries
from vidprop.color.transfer import srgb_encode
from vidprop.edits import hdr
from vidprop.errors import KeyFrameError


def picture(height: int = 60, width: int = 90) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0, 8, (height, width, 3))
    return np.exp2(cv2.GaussianBlur(noise, None, 3) * 2).astype(np.float32)


def shown(stops: np.ndarray) -> np.ndarray:
    """The picture an sRGB camera makes, 8 bits, as a signal."""
    codes = np.rint(255 * srgb_encode(np.clip(np.exp2(stops), 0, 1)))
    return (codes / 255).astype(np.float32)


def test_radiance_becomes_stops() -> None:
    key = hdr.radiance_key(picture(), 60, 90)
    np.testing.assert_allclose(np.exp2(key.stops), picture(), rtol=1e-5)
    assert key.repairs == hdr.Repairs()


def test_what_is_not_light_is_mended_and_counted() -> None:
    broken = picture()
    broken[0, 0], broken[0, 1] = (np.nan, np.inf, -np.inf), (-1.0, 0.0, 2.0)
    key = hdr.radiance_key(broken, 60, 90)
    assert key.repairs == hdr.Repairs(nan=1, infinite=2, negative=1, zero=1)
    assert key.repairs.worth_telling
    assert np.isfinite(key.stops).all()
    brightest = np.log2(broken[np.isfinite(broken)].max())
    assert key.stops[0, 0, 1] == pytest.approx(brightest)
    assert key.stops.min() == key.stops[0, 0, 0] == key.stops[0, 1, 0]


def test_half_overflow_counts_as_the_brightest_there_is() -> None:
    with np.errstate(over="ignore"):
        half = (picture() * np.float32(100)).astype(np.float16)
        half[3, 3] = np.float32(1e6)
    key = hdr.radiance_key(half, 60, 90)
    assert key.repairs.infinite == 3
    assert np.isfinite(key.stops).all()


def test_a_larger_key_frame_is_reduced_in_linear_light() -> None:
    large = picture(120, 180)
    expected = large.reshape(60, 2, 90, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(np.exp2(hdr.radiance_key(large, 60, 90).stops), expected, rtol=1e-4)


def test_primaries_are_converted() -> None:
    wide = convert_primaries(picture(), BT709, BT2020).astype(np.float32)
    key = hdr.radiance_key(wide, 60, 90, primaries=BT2020)
    np.testing.assert_allclose(np.exp2(key.stops), picture(), rtol=1e-3)


@pytest.mark.parametrize(
    ("radiance", "message"),
    [
        (np.zeros((60, 90)), r"R, G and B is needed, got shape \(60, 90\)"),
        (np.zeros((60, 90, 1)), r"R, G and B is needed, got shape \(60, 90, 1\)"),
        (np.ones((30, 45, 3)), "key frame of 45x30 is smaller than the clip, 90x60"),
        (np.ones((90, 90, 3)), "key frame of 90x90 has another shape than the clip, 90x60"),
        (np.zeros((60, 90, 3)), "holds no light"),
        (np.full((60, 90, 3), np.nan), "holds no light"),
    ],
)
def test_pictures_that_are_no_key_frames(radiance: np.ndarray, message: str) -> None:
    with pytest.raises(KeyFrameError, match=message):
        hdr.radiance_key(radiance, 60, 90)


def test_a_key_frame_fits_its_own_frame_at_any_exposure() -> None:
    key = hdr.radiance_key(picture(), 60, 90)
    for exposure in (-4, -2, 0):
        hdr.check_likeness(7, shown(key.stops + exposure).mean(axis=-1), key)


def test_a_key_frame_of_something_else_is_refused() -> None:
    key = hdr.radiance_key(picture(), 60, 90)
    other = shown(key.stops[::-1, ::-1] - 2).mean(axis=-1)
    with pytest.raises(KeyFrameError, match="key frame 7 does not show what frame 7 of the clip"):
        hdr.check_likeness(7, other, key)


def test_likeness_of_pictures_without_contrast() -> None:
    flat, varied = np.zeros((20, 20)), picture(20, 20)[..., 0]
    assert hdr.rank_likeness(flat, flat + 1) == 1.0
    assert hdr.rank_likeness(flat, varied) == 0.0


def test_edits_and_stops_are_inverse() -> None:
    stops = np.log2(picture())
    edit = hdr.to_edit(stops, np.float32([0.5, -1.0, 2.0]))
    assert edit.shape == (3, 60, 90)
    back = hdr.from_edit(edit, np.float32([0.5, -1.0, 2.0]))
    np.testing.assert_allclose(back, stops, atol=1e-5)
