"""Planes of one format as planes of another."""

from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from video_clips import noise_frames

from vidprop.color.matrices import rgb_to_ycbcr
from vidprop.color.quantisation import quantise_luma
from vidprop.errors import InputError
from vidprop.video import Frame, PlaneFormat
from vidprop.video.conversion import convert, from_rgb, to_rgb

WIDENINGS = [
    (PlaneFormat(8), PlaneFormat(10)),
    (PlaneFormat(8), PlaneFormat(16)),
    (PlaneFormat(10), PlaneFormat(12)),
    (PlaneFormat(8, full_range=True), PlaneFormat(10)),
    (PlaneFormat(8, full_range=True), PlaneFormat(10, full_range=True)),
    (PlaneFormat(10), PlaneFormat(16, full_range=True)),
]


@pytest.mark.parametrize(("narrow", "wide"), WIDENINGS, ids=str)
def test_luma_survives_a_wider_format(narrow: PlaneFormat, wide: PlaneFormat) -> None:
    for frame in noise_frames(narrow):
        there = convert(frame, narrow, wide)
        assert there.luma.dtype == wide.dtype
        np.testing.assert_array_equal(convert(there, wide, narrow).luma, frame.luma)


def test_the_same_format_is_the_same_memory() -> None:
    frame = noise_frames(PlaneFormat())[0]
    again = convert(frame, PlaneFormat(), PlaneFormat(primaries="bt709"))
    assert again.luma is frame.luma
    assert again.chroma is frame.chroma


def test_limited_depths_are_shifts() -> None:
    frame = noise_frames(PlaneFormat(8))[0]
    wide = convert(frame, PlaneFormat(8), PlaneFormat(10))
    np.testing.assert_array_equal(wide.luma, frame.luma.astype(np.uint16) << 2)
    np.testing.assert_array_equal(wide.chroma, frame.chroma.astype(np.uint16) << 2)  # type: ignore[union-attr]


def test_grey_and_colour() -> None:
    grey, colour = PlaneFormat(10, grey=True), PlaneFormat(8, (1, 1))
    coloured = convert(noise_frames(grey)[0], grey, colour)
    assert coloured.chroma is not None
    assert coloured.chroma.shape == (2, 16, 24)
    assert (coloured.chroma == 128).all()
    assert convert(coloured, colour, grey).chroma is None


def test_other_matrices_are_refused() -> None:
    one, other = PlaneFormat(matrix="bt709"), PlaneFormat(matrix="smpte170m")
    with pytest.raises(InputError, match="bt709 planes cannot be stored as smpte170m"):
        convert(noise_frames(one)[0], one, other)


@pytest.mark.parametrize("location", ["left", "center", "topleft", "unknown"])
@pytest.mark.parametrize("sampled", [(1, 1), (1, 0), (0, 1), (2, 0)])
def test_chroma_of_a_slope_stays_where_it_is(sampled: tuple[int, int], location: str) -> None:
    """A slope is bilinear, so that it tells a shift of a part of a pixel."""
    full = PlaneFormat(16, (0, 0))
    small = PlaneFormat(16, sampled, chroma_location=location)
    rows, columns = np.mgrid[0:32, 0:48].astype(np.uint16)
    slope = np.stack([1000 * columns + 400 * rows, 60000 - 900 * columns]).astype(np.uint16)
    frame = Frame(0, Fraction(0), rows, slope)
    reduced = convert(frame, full, small)
    again = convert(reduced, small, full)
    inner = np.s_[:, 8:-8, 8:-8]
    np.testing.assert_allclose(again.chroma[inner], slope[inner], atol=2)  # type: ignore[index]


def test_opacity_is_carried_or_made() -> None:
    with_alpha = PlaneFormat(8, (0, 0), alpha=True)
    frame = noise_frames(PlaneFormat(8, (0, 0)))[0]
    made = convert(frame, PlaneFormat(8, (0, 0)), with_alpha)
    assert (made.alpha == 255).all()
    half = replace(frame, alpha=np.full_like(frame.luma, 128))
    deep = convert(half, with_alpha, replace(with_alpha, bit_depth=16))
    assert (deep.alpha == 128 * 257).all()
    assert convert(half, with_alpha, PlaneFormat()).alpha is None


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    bit_depth=st.sampled_from([8, 10, 12]),
    matrix=st.sampled_from(["bt709", "smpte170m", "bt2020nc"]),
    full_range=st.booleans(),
    subsampling=st.sampled_from([(0, 0), (1, 0), (1, 1)]),
)
def test_the_luma_of_rgb_is_the_luma_it_was_made_of(
    seed: int, bit_depth: int, matrix: str, full_range: bool, subsampling: tuple[int, int]
) -> None:
    """Any chroma at all, most of it outside RGB."""
    stored = PlaneFormat(bit_depth, subsampling, full_range=full_range, matrix=matrix)
    rng = np.random.default_rng(seed)
    low, high = (0, stored.peak)
    if not full_range:
        low, high = 16 << bit_depth - 8, 235 << bit_depth - 8
    luma = rng.integers(low, high + 1, (5, 7), dtype=stored.dtype)
    chroma = rng.integers(0, stored.peak + 1, (2, *stored.chroma_size(5, 7)), dtype=stored.dtype)
    deep = 8 if bit_depth == 8 else 16
    rgb = to_rgb(Frame(0, Fraction(0), luma, chroma), stored, deep)
    again = rgb_to_ycbcr(rgb / (2**deep - 1), stored.matrix_name())[..., 0]
    np.testing.assert_array_equal(quantise_luma(again, bit_depth, full_range), luma)


def test_colours_inside_rgb_are_what_opencv_makes_of_them() -> None:
    rng = np.random.default_rng(4)
    rgb = rng.integers(0, 256, (20, 30, 3), np.uint8)
    luma, chroma = from_rgb(rgb, 8, "bt601")
    theirs = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb)
    for mine, other in zip((luma, *chroma), np.moveaxis(theirs[..., [0, 2, 1]], 2, 0), strict=True):
        assert np.abs(mine.astype(int) - other).max() <= 1


def test_rgb_there_and_back_at_16_bits() -> None:
    rgb = np.random.default_rng(5).integers(0, 65536, (20, 30, 3), np.uint16)
    stored = PlaneFormat(16, rgb=True, matrix="bt709")
    again = to_rgb(Frame(0, Fraction(0), *from_rgb(rgb, 16)), stored, 16)
    assert np.abs(again.astype(int) - rgb).max() <= 2


def test_formats_that_cannot_be() -> None:
    with pytest.raises(InputError, match="8 to 16 bits"):
        PlaneFormat(7)
    with pytest.raises(InputError, match="subsampling: one of"):
        PlaneFormat(8, (3, 1))
    with pytest.raises(InputError, match="planes by ycgco are not supported"):
        PlaneFormat(matrix="ycgco").matrix_name()
    assert PlaneFormat(rgb=True).full_range
    assert PlaneFormat(grey=True).subsampling == (0, 0)


@pytest.mark.parametrize(
    ("stored", "height", "name"),
    [
        (PlaneFormat(), 480, "bt601"),
        (PlaneFormat(), 720, "bt709"),
        (PlaneFormat(rgb=True), 480, "bt709"),
        (PlaneFormat(matrix="bt470bg"), 1080, "bt601"),
        (PlaneFormat(matrix="bt2020nc"), 480, "bt2020"),
    ],
)
def test_the_matrix_of_untagged_planes_goes_by_height(
    stored: PlaneFormat, height: int, name: str
) -> None:
    assert stored.matrix_name(height) == name


def test_chroma_sizes_round_up() -> None:
    assert PlaneFormat(8, (1, 1)).chroma_size(33, 17) == (17, 9)
    assert PlaneFormat(8, (2, 0)).chroma_size(1, 1) == (1, 1)
