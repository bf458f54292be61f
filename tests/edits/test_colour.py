"""Painted pictures become the clip's own chroma, and back."""

import numpy as np
import pytest

from vidprop.color.matrices import rgb_to_ycbcr, ycbcr_to_rgb
from vidprop.color.quantisation import dequantise_chroma, dequantise_luma, quantise_luma
from vidprop.edits.colour import (
    chroma_codes,
    likeness,
    over,
    painted_key,
    working_edit,
)
from vidprop.errors import KeyFrameError


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("matrix", ["bt601", "bt709", "bt2020"])
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("bit_depth", [8, 10, 16])
def test_a_painted_picture_comes_back_from_its_planes(rng, matrix, full_range, bit_depth):
    image = rng.integers(30, 226, (6, 9, 3), dtype=np.uint8)
    key = painted_key(image, 6, 9, matrix)
    luma = dequantise_luma(quantise_luma(key.luma, bit_depth, full_range), bit_depth, full_range)
    codes = chroma_codes(key.chroma, bit_depth, full_range)
    chroma = dequantise_chroma(codes, bit_depth, full_range)
    rgb = ycbcr_to_rgb(np.concatenate([luma[None], chroma]), matrix, axis=0)
    step = 1 / (219 * 2 ** (bit_depth - 8))
    assert np.abs(rgb.transpose(1, 2, 0) - image / 255).max() < 2.1 * step


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_every_kind_of_number_means_the_same(dtype):
    white = {np.uint8: 255, np.uint16: 65535, np.float32: 1}[dtype]
    image = np.zeros((4, 4, 3), dtype)
    image[..., 0] = white
    expected = rgb_to_ycbcr([1.0, 0.0, 0.0])
    key = painted_key(image, 4, 4)
    assert np.allclose(key.luma, expected[0], atol=1e-6)
    assert np.allclose(key.chroma[:, 2, 2], expected[1:], atol=1e-6)


def test_a_picture_of_another_size_is_scaled():
    image = np.full((20, 30, 3), (200, 40, 90), np.uint8)
    key = painted_key(image, 10, 15)
    assert key.chroma.shape == (2, 10, 15)
    assert np.ptp(key.chroma, axis=(1, 2)).max() < 1e-6


def test_a_picture_of_another_shape_is_refused():
    with pytest.raises(KeyFrameError, match="30x20 has another shape than the clip, 20x20"):
        painted_key(np.zeros((20, 30, 3), np.uint8), 20, 20)


def test_a_picture_scaled_to_whole_pixels_may_be_off_by_one():
    assert painted_key(np.zeros((135, 240, 3), np.uint8), 405, 720).luma.shape == (405, 720)
    assert painted_key(np.zeros((360, 641, 3), np.uint8), 405, 720).luma.shape == (405, 720)


def test_grey_pictures_have_no_chroma(rng):
    key = painted_key(rng.integers(0, 256, (5, 5), dtype=np.uint8), 5, 5)
    assert np.abs(key.chroma).max() < 1e-6


def test_transparent_paint_does_not_stain_what_is_painted():
    image = np.zeros((8, 8, 4), np.uint8)
    image[:, :, :] = (0, 0, 255, 0)
    image[:, :3] = (255, 0, 0, 255)
    key = painted_key(image, 8, 8)
    edit, coverage = working_edit(key, 4, 4)
    red = rgb_to_ycbcr([1.0, 0.0, 0.0])[1:]
    assert key.partial
    assert np.allclose(edit[:, :, :2], red[:, None, None], atol=1e-5)
    assert np.allclose(coverage[0, 0], [1, 0.5, 0, 0])


def test_a_repair_leaves_the_rest_as_it_was():
    image = np.zeros((8, 8, 4), np.uint8)
    image[:, :4] = (255, 0, 0, 255)
    before = np.full((2, 4, 4), 0.125, np.float32)
    after = over(painted_key(image, 8, 8), before)
    assert np.array_equal(after[:, :, 2:], before[:, :, 2:])
    assert np.allclose(after[:, 0, 0], rgb_to_ycbcr([1.0, 0.0, 0.0])[1:], atol=1e-5)


def test_an_opaque_key_frame_is_taken_as_it_is(rng):
    image = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    key = painted_key(image, 6, 6)
    assert np.array_equal(over(key, np.zeros((2, 6, 6), np.float32)), key.chroma)


def test_grey_frames_have_neutral_codes():
    chroma = np.zeros((2, 4, 4), np.float32)
    assert (chroma_codes(chroma, 8, False) == 128).all()
    assert (chroma_codes(chroma, 10, True) == 512).all()


def test_a_frame_is_like_itself_however_bright(rng):
    picture = rng.random((90, 120)).astype(np.float32)
    assert likeness(picture, 0.3 + 0.2 * picture) == pytest.approx(1, abs=1e-4)
    assert abs(likeness(picture, rng.random((90, 120)).astype(np.float32))) < 0.2


def test_flat_pictures_are_compared_by_brightness(rng):
    black, white = np.zeros((9, 9), np.float32), np.ones((9, 9), np.float32)
    assert likeness(black, black) == 1
    assert likeness(black, white) == 0
    assert likeness(black, rng.random((9, 9)).astype(np.float32)) == 0
