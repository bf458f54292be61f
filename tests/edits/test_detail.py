"""Detail of key frames arrives where it belongs, and nowhere else."""

import cv2
import numpy as np
import pytest

from vidprop.edits.detail import Carry, KeyDetail, add_detail
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


def _enlarged(chroma, luma):
    return upsample(np.stack([reduce_plane(plane, *SMALL) for plane in chroma]), luma)


def _error(one, other):
    return float(np.sqrt(((one - other)[:, 6:-6, 6:-6] ** 2).mean()))


def test_a_frame_that_stands_still_gets_all_of_it(picture):
    chroma, luma = picture
    detail = KeyDetail.of(chroma, luma, SMALL)
    restored = add_detail(_enlarged(chroma, luma), luma, [Carry(detail, _here())])
    assert np.allclose(restored, chroma, atol=2e-3)


def test_it_moves_with_what_it_belongs_to(picture):
    chroma, luma = (np.roll(plane, (2, 4), (-2, -1)) for plane in picture)
    detail = KeyDetail.of(*picture, SMALL)
    base = _enlarged(chroma, luma)
    moved = add_detail(base, luma, [Carry(detail, _here() - np.float32([2, 1]))])
    assert _error(moved, chroma) < 0.1 * _error(base, chroma)


def test_what_does_not_agree_in_luma_adds_little(picture):
    chroma, luma = picture
    detail = KeyDetail.of(chroma, luma, SMALL)
    elsewhere = np.ascontiguousarray(luma[::-1, ::-1])
    base = np.zeros_like(chroma)
    added = add_detail(base, elsewhere, [Carry(detail, _here())])
    assert np.abs(added).mean() < 0.25 * np.abs(detail.planes[..., :2]).mean()


def test_of_two_the_one_that_agrees_counts(picture):
    chroma, luma = picture
    right = Carry(KeyDetail.of(chroma, luma, SMALL), _here(), 0.1)
    flipped = [np.ascontiguousarray(p[..., ::-1, ::-1]) for p in picture]
    wrong = Carry(KeyDetail.of(*flipped, SMALL), _here(), 0.9)
    base = _enlarged(chroma, luma)
    assert _error(add_detail(base, luma, [right, wrong]), chroma) < 0.6 * _error(base, chroma)


def test_what_was_not_painted_brings_nothing_and_dilutes_nothing(picture):
    chroma, luma = picture
    covered = np.zeros(SHAPE, np.float32)
    covered[:, :32] = 1
    whole = Carry(KeyDetail.of(chroma, luma, SMALL), _here())
    part = Carry(KeyDetail.of(chroma, luma, SMALL, covered), _here())
    base = _enlarged(chroma, luma)
    alone = add_detail(base, luma, [part])
    assert np.array_equal(alone[..., 40:], base[..., 40:])
    both = add_detail(base, luma, [whole, part])
    assert np.allclose(both, add_detail(base, luma, [whole]), atol=1e-5)


def test_an_edit_of_full_size_has_none(picture):
    chroma, luma = picture
    assert KeyDetail.of(chroma, luma, SHAPE) is None
    assert add_detail(chroma, luma, []) is chroma
