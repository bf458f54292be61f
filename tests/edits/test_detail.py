"""What key frames have arrives where it belongs, and nowhere else."""

import cv2
import numpy as np
import pytest

from vidprop.edits.detail import Carry, KeyDetail, enlarge
from vidprop.edits.upsampling import reduce_plane, upsample

SMALL = (24, 32)
SHAPE = (48, 64)


@pytest.fixture
def picture():
    """Fine texture in colour, and luma that shows it too: chroma [2, H, W], luma [H, W]."""
    rng = np.random.default_rng(3)
    texture = cv2.GaussianBlur(rng.normal(size=SHAPE).astype(np.float32), (0, 0), 0.6)
    luma = 0.5 + 0.2 * texture
    other = cv2.GaussianBlur(rng.normal(size=SHAPE).astype(np.float32), (0, 0), 0.6)
    return np.stack([0.1 * texture, 0.1 * other]), luma.astype(np.float32)


def _here():
    across, down = np.meshgrid(np.arange(SMALL[1]), np.arange(SMALL[0]))
    return np.stack([across, down], -1).astype(np.float32)


def _small(planes):
    return np.stack([reduce_plane(plane, *SMALL) for plane in planes])


def _error(one, other):
    return float(np.sqrt(((one - other)[:, 6:-6, 6:-6] ** 2).mean()))


def _carry(chroma, luma, coverage=None, **settings):
    return Carry(KeyDetail.of(chroma, luma, SMALL, coverage), _here(), **settings)


def test_a_frame_that_stands_still_gets_all_of_it(picture):
    chroma, luma = picture
    restored = enlarge(_small(chroma), luma, [_carry(chroma, luma)])
    assert np.allclose(restored, chroma, atol=2e-3)


def test_it_moves_with_what_it_belongs_to(picture):
    chroma, luma = (np.roll(plane, (2, 4), (-2, -1)) for plane in picture)
    key = Carry(KeyDetail.of(*picture, SMALL), _here() - np.float32([2, 1]))
    small = _small(chroma)
    moved = enlarge(small, luma, [key])
    assert _error(moved, chroma) < 0.1 * _error(upsample(small, luma), chroma)


def test_what_does_not_agree_in_luma_adds_little(picture):
    chroma, luma = picture
    elsewhere = np.ascontiguousarray(luma[::-1, ::-1])
    key = _carry(chroma, luma)
    far = np.full((2, *SMALL), 0.4, np.float32)
    added = enlarge(far, elsewhere, [key]) - upsample(far, elsewhere)
    assert np.abs(added).mean() < 0.25 * np.abs(key.detail.fine[..., :2]).mean()


def test_an_edit_that_is_a_little_off_is_drawn_to_the_key_frame(picture):
    chroma, luma = picture
    small = _small(chroma)
    off = small + np.float32(0.01)
    near = enlarge(off, luma, [_carry(chroma, luma)])
    assert abs((near - chroma).mean()) < 0.004
    darker = enlarge(off, luma - np.float32(0.2), [_carry(chroma, luma)])
    assert abs((darker - chroma).mean() - 0.01) < 0.002


def test_an_edit_that_is_far_off_is_of_something_else(picture):
    chroma, luma = picture
    other = _small(chroma) + np.float32(0.3)
    kept = enlarge(other, luma, [_carry(chroma, luma)])
    assert abs((kept - chroma).mean() - 0.3) < 0.005


def test_of_two_the_one_that_agrees_counts(picture):
    chroma, luma = picture
    right = _carry(chroma, luma, share=0.1)
    flipped = [np.ascontiguousarray(p[..., ::-1, ::-1]) for p in picture]
    wrong = _carry(*flipped, share=0.9)
    small = _small(chroma)
    base = upsample(small, luma)
    assert _error(enlarge(small, luma, [right, wrong]), chroma) < 0.6 * _error(base, chroma)


def test_what_was_not_painted_brings_nothing_and_dilutes_nothing(picture):
    chroma, luma = picture
    covered = np.zeros(SHAPE, np.float32)
    covered[:, :32] = 1
    whole, part = _carry(chroma, luma), _carry(chroma, luma, covered)
    small = _small(chroma)
    alone = enlarge(small, luma, [part])
    assert np.array_equal(alone[..., 40:], upsample(small, luma)[..., 40:])
    both = enlarge(small, luma, [whole, part])
    assert np.allclose(both, enlarge(small, luma, [whole]), atol=1e-5)


def test_a_border_of_what_was_painted_makes_no_colours(picture):
    chroma, luma = (np.full_like(plane, 0.2) for plane in picture)
    covered = np.zeros(SHAPE, np.float32)
    covered[:, :31] = 1
    positions = _here() + np.float32([0.4, 0.3])
    key = Carry(KeyDetail.of(chroma, luma, SMALL, covered), positions)
    result = enlarge(np.full((2, *SMALL), 0.19, np.float32), luma, [key])
    assert result.min() > 0.185
    assert result.max() < 0.205


def test_an_edit_of_full_size_has_none(picture):
    chroma, luma = picture
    assert KeyDetail.of(chroma, luma, SHAPE) is None
    assert np.array_equal(enlarge(chroma, luma, []), chroma)
