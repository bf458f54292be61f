"""Matrices agree with colour-science and with the numbers the standards print."""

import warnings

import numpy as np
import pytest

from vidprop.color import matrices as m
from vidprop.color import quantisation as q
from vidprop.errors import InputError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns of optional packages at import
    import colour

RGB = np.random.default_rng(3).uniform(0, 1, (5, 7, 3))
WEIGHTS = {"bt601": "ITU-R BT.601", "bt709": "ITU-R BT.709", "bt2020": "ITU-R BT.2020"}
SPACES = {m.BT709: "ITU-R BT.709", m.BT2020: "ITU-R BT.2020", m.P3_D65: "Display P3"}


@pytest.mark.parametrize("name", WEIGHTS)
def test_ycbcr_agrees_with_colour_science(name: m.MatrixName) -> None:
    expected = colour.RGB_to_YCbCr(RGB, K=colour.WEIGHTS_YCBCR[WEIGHTS[name]], out_legal=False)
    np.testing.assert_allclose(m.rgb_to_ycbcr(RGB, name), expected, atol=1e-12)


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ycbcr_round_trip_keeps_the_type(name: m.MatrixName, dtype: type) -> None:
    rgb = np.moveaxis(RGB, -1, 0).astype(dtype)
    back = m.ycbcr_to_rgb(m.rgb_to_ycbcr(rgb, name, axis=0), name, axis=0)
    assert back.dtype == dtype
    np.testing.assert_allclose(back, rgb, atol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("bit_depth", [8, 10, 12, 16])
@pytest.mark.parametrize("full_range", [False, True])
def test_codes_agree_with_colour_science(bit_depth: int, full_range: bool) -> None:
    expected = colour.RGB_to_YCbCr(
        RGB,
        K=colour.WEIGHTS_YCBCR["ITU-R BT.709"],
        out_bits=bit_depth,
        out_legal=not full_range,
        out_int=True,
    )
    codes = q.quantise(m.rgb_to_ycbcr(RGB), bit_depth, full_range)
    assert codes.dtype == (np.uint8 if bit_depth == 8 else np.uint16)
    np.testing.assert_array_equal(codes.astype(int), np.asarray(expected).astype(int))


@pytest.mark.parametrize(("bit_depth", "codes"), [(8, (16, 235, 128)), (10, (64, 940, 512))])
def test_black_white_and_grey_are_at_the_codes_of_bt709(bit_depth: int, codes: tuple) -> None:
    black, white, neutral = codes
    assert q.quantise([0.0, 0.0, 0.0], bit_depth, False).tolist() == [black, neutral, neutral]
    assert q.quantise([1.0, 0.0, 0.0], bit_depth, False).tolist() == [white, neutral, neutral]


@pytest.mark.parametrize("bit_depth", [8, 10, 16])
@pytest.mark.parametrize("full_range", [False, True])
def test_every_code_survives_the_round_trip(bit_depth: int, full_range: bool) -> None:
    dtype = np.uint8 if bit_depth == 8 else np.uint16
    codes = np.arange(2**bit_depth, dtype=dtype)[:, None].repeat(3, axis=1)
    again = q.quantise(q.dequantise(codes, bit_depth, full_range), bit_depth, full_range)
    np.testing.assert_array_equal(again, codes)


@pytest.mark.parametrize("source", SPACES)
@pytest.mark.parametrize("target", SPACES)
def test_primaries_agree_with_colour_science(source: m.Primaries, target: m.Primaries) -> None:
    spaces = [colour.RGB_COLOURSPACES[SPACES[p]].copy() for p in (source, target)]
    for space in spaces:
        space.use_derived_transformation_matrices(True)
    expected = colour.RGB_to_RGB(RGB, *spaces, chromatic_adaptation_transform="Bradford")
    np.testing.assert_allclose(m.convert_primaries(RGB, source, target), expected, atol=1e-9)


def test_aces_white_becomes_d65_white() -> None:
    ap1 = colour.RGB_COLOURSPACES["ACEScg"].copy()
    ap1.use_derived_transformation_matrices(True)
    expected = colour.RGB_to_RGB(
        RGB, ap1, colour.RGB_COLOURSPACES["ITU-R BT.709"], chromatic_adaptation_transform="Bradford"
    )
    got = m.convert_primaries(RGB, m.AP1, m.BT709)
    np.testing.assert_allclose(got, expected, atol=2e-4)  # its BT.709 matrix has 4 digits
    np.testing.assert_allclose(m.convert_primaries(np.ones(3), m.AP0, m.BT709), 1, atol=1e-12)


def test_luminance_of_white_is_one_and_of_green_the_weight_of_the_standard() -> None:
    assert m.luminance(np.ones(3)) == pytest.approx(1.0)
    assert m.luminance(np.array([0.0, 1.0, 0.0])) == pytest.approx(0.7152, abs=5e-5)
    assert m.luminance(np.array([0.0, 1.0, 0.0]), m.BT2020) == pytest.approx(0.6780, abs=5e-5)


def test_errors_name_the_argument_and_the_value() -> None:
    with pytest.raises(InputError, match=r"three channels along axis -1 .* \(4, 4\)"):
        m.rgb_to_ycbcr(np.zeros((4, 4)))
    with pytest.raises(InputError, match="bt601, bt709, bt2020, got 'bt470'"):
        m.rgb_to_ycbcr(RGB, "bt470")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="bt601, bt709, bt2020, got 'bt470'"):
        m.ycbcr_to_rgb(RGB, "bt470")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="bit_depth: 8 to 16 bits are supported, got 7"):
        q.quantise(RGB, 7, True)
    with pytest.raises(InputError, match=r"three channels last .* \(4, 4\)"):
        q.dequantise(np.zeros((4, 4)), 8, True)
    with pytest.raises(InputError, match="must span a triangle"):
        m.rgb_to_xyz_matrix(m.Primaries((0.3, 0.3), (0.3, 0.3), (0.1, 0.1), m.D65))
