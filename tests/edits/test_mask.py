"""Masks are read from any picture and come back at the size of the clip."""

import numpy as np
import pytest

from vidprop.edits.mask import full_mask, mask_codes, painted_mask, working_mask
from vidprop.errors import KeyFrameError


def _square(dtype=np.uint8, channels=0):
    white = {np.uint8: 255, np.uint16: 65535, np.float32: 1}[dtype]
    mask = np.zeros((32, 48), dtype)
    mask[8:24, 12:36] = white
    return mask if not channels else np.repeat(mask[..., None], channels, axis=2)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [0, 1, 3])
def test_any_picture_is_a_mask(dtype, channels):
    mask = painted_mask(_square(dtype, channels), 32, 48)
    assert np.array_equal(mask, _square() / 255)


def test_the_opacity_is_the_mask_where_there_is_one():
    picture = np.full((32, 48, 4), 255, np.uint8)
    picture[..., 3] = _square()
    assert np.array_equal(painted_mask(picture, 32, 48), _square() / 255)


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(KeyFrameError, match="48x32 has another shape than the clip, 32x32"):
        painted_mask(_square(), 32, 32)
    with pytest.raises(KeyFrameError, match="a picture"):
        painted_mask(np.zeros((2, 2, 5), np.uint8), 2, 2)


def test_a_mask_comes_back_from_half_its_size_with_the_edges_of_the_luma():
    luma = 0.2 + 0.5 * (_square() / np.float32(255)).astype(np.float32)
    mask = painted_mask(_square(), 32, 48).astype(np.float32)
    back = full_mask(working_mask(mask, 16, 24), luma)
    assert back.shape == (32, 48)
    assert ((back > 0.5) == (mask > 0.5)).mean() > 0.99
    assert 0 <= back.min() <= back.max() <= 1


def test_codes_reach_both_ends():
    assert mask_codes(np.array([-1, 0, 0.5, 1, 2], np.float32)).tolist() == [0, 0, 128, 255, 255]
    assert mask_codes(np.ones(1, np.float32), 16).tolist() == [65535]
