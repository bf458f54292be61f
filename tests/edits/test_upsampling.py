"""Enlarged chroma keeps its values and follows the luma's edges."""

import cv2
import numpy as np
import pytest

from vidprop.edits.upsampling import reduce_plane, upsample


def _bicubic(edit, shape):
    return np.stack([cv2.resize(p, shape[::-1], interpolation=cv2.INTER_CUBIC) for p in edit])


def test_the_same_size_is_left_alone():
    edit = np.random.default_rng(0).random((2, 5, 7)).astype(np.float32)
    assert upsample(edit, np.zeros((5, 7), np.float32)) is edit


@pytest.mark.parametrize("shape", [(20, 31), (5, 7), (3, 4), (8, 5)])
def test_flat_chroma_stays_flat_at_any_size(shape):
    luma = np.random.default_rng(1).random(shape).astype(np.float32)
    large = upsample(np.full((2, 5, 7), 0.25, np.float32), luma)
    assert large.shape == (2, *shape)
    assert np.allclose(large, 0.25, atol=1e-5)


def test_an_edge_that_luma_shows_is_sharper_than_bicubic():
    side = np.zeros((64, 64), np.float32)
    side[:, 29:] = 1
    luma = 0.3 + 0.4 * side
    truth = np.stack([0.2 * side, -0.1 * side])
    small = np.stack([reduce_plane(plane, 16, 16) for plane in truth])
    guided = np.abs(upsample(small, luma) - truth).mean()
    assert guided < 0.7 * np.abs(_bicubic(small, luma.shape) - truth).mean()


def test_texture_without_colour_adds_none():
    rng = np.random.default_rng(2)
    luma = rng.random((64, 64)).astype(np.float32)
    ramp = np.broadcast_to(np.linspace(-0.2, 0.2, 16, dtype=np.float32), (2, 16, 16))
    edit = np.ascontiguousarray(ramp)
    assert np.abs(upsample(edit, luma) - _bicubic(edit, luma.shape)).mean() < 0.01
