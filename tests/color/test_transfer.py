"""Transfer functions agree with colour-science, invert, and take torch tensors."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch

from vidprop.color import display as d
from vidprop.color import transfer as t
from vidprop.color.matrices import BT709, BT2020, convert_primaries

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns of optional packages at import
    import colour
    from colour.models import rgb as models

UNIT = np.linspace(0.0, 1.0, 1025)
NITS = np.concatenate([[0.0], np.geomspace(1e-3, 1e4, 500)])
PAIRS: list[tuple[Callable, Callable, np.ndarray]] = [
    (t.srgb_encode, t.srgb_decode, UNIT),
    (t.bt709_encode, t.bt709_decode, UNIT),
    (t.bt2020_encode, t.bt2020_decode, UNIT),
    (t.bt1886_encode, t.bt1886_decode, UNIT * 100),
    (t.pq_encode, t.pq_decode, NITS),
    (t.hlg_encode, t.hlg_decode, UNIT),
]
REFERENCES: list[tuple[Callable, Callable, np.ndarray, float]] = [
    (t.srgb_encode, models.eotf_inverse_sRGB, UNIT, 1e-9),
    (t.srgb_decode, models.eotf_sRGB, UNIT, 1e-6),
    (t.bt709_encode, models.oetf_BT709, UNIT, 1e-12),
    (t.bt709_decode, models.oetf_inverse_BT709, UNIT, 1e-4),
    (t.bt2020_encode, lambda v: models.oetf_BT2020(v, is_12_bits_system=True), UNIT, 5e-4),
    (t.bt1886_decode, lambda v: models.eotf_BT1886(v, 0.0, 100.0), UNIT, 1e-9),
    (
        lambda v: t.bt1886_decode(v, 100.0, 0.1),
        lambda v: models.eotf_BT1886(v, 0.1, 100),
        UNIT,
        1e-9,
    ),
    (t.pq_decode, models.eotf_ST2084, UNIT, 1e-7),
    (t.pq_encode, models.eotf_inverse_ST2084, NITS, 1e-12),
    (t.hlg_encode, models.oetf_BT2100_HLG, UNIT, 1e-6),
    (t.hlg_decode, models.oetf_inverse_BT2100_HLG, UNIT, 1e-6),
]


@pytest.mark.parametrize(("ours", "theirs", "values", "tolerance"), REFERENCES)
def test_agrees_with_colour_science(
    ours: Callable, theirs: Callable, values: np.ndarray, tolerance: float
) -> None:
    with np.errstate(invalid="ignore"):  # it takes logarithms of the branch not chosen
        expected = theirs(values)
    np.testing.assert_allclose(ours(values), expected, atol=tolerance, rtol=1e-9)


@pytest.mark.parametrize(("encode", "decode", "values"), PAIRS)
def test_decoding_inverts_encoding(encode: Callable, decode: Callable, values: np.ndarray) -> None:
    np.testing.assert_allclose(decode(encode(values)), values, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("encode", "decode", "values"), PAIRS)
def test_torch_gives_what_numpy_gives(
    encode: Callable, decode: Callable, values: np.ndarray
) -> None:
    for function, given in ((encode, values), (decode, UNIT)):
        tensor = function(torch.from_numpy(given))
        assert tensor.dtype == torch.float64
        np.testing.assert_allclose(tensor.numpy(), function(given), rtol=1e-12, atol=1e-12)
        assert function(given.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(("encode", "decode", "values"), PAIRS)
def test_curves_rise_and_clip_outside_their_domain(
    encode: Callable, decode: Callable, values: np.ndarray
) -> None:
    assert (np.diff(encode(values)) > 0).all()
    assert encode(values[-1] * 2 + 1) == encode(values[-1])
    assert encode(-1.0) == encode(values[0])
    assert np.isnan(encode(np.nan))
    assert decode(2.0) == decode(1.0)


def test_check_values_printed_in_the_standards() -> None:
    assert t.pq_encode(100.0) == pytest.approx(0.5081, abs=5e-5)
    assert t.pq_encode(203.0) == pytest.approx(0.5807, abs=5e-5)  # BT.2408: 58 %
    assert t.hlg_encode(0.265) == pytest.approx(0.75, abs=1e-3)  # BT.2408: 75 %
    assert t.hlg_encode(1 / 12) == pytest.approx(0.5)
    assert t.hlg_system_gamma(1000.0) == pytest.approx(1.2)
    assert t.hlg_system_gamma(4000.0) == pytest.approx(1.2 * 1.111**2)
    assert t.bt709_encode(0.18) == pytest.approx(0.409, abs=5e-4)


def test_hlg_white_of_1000_nits_lands_on_203() -> None:
    scene = np.full(3, t.hlg_decode(0.75))
    np.testing.assert_allclose(d.hlg_scene_to_display(scene), 203, rtol=0.01)  # BT.2408, table 1


def test_hlg_display_agrees_with_colour_science_and_inverts() -> None:
    scene = np.random.default_rng(0).uniform(0, 1, (40, 3))
    nits = d.hlg_scene_to_display(scene)
    np.testing.assert_allclose(nits, models.ootf_BT2100_HLG(scene), rtol=1e-6)
    np.testing.assert_allclose(d.hlg_display_to_scene(nits), scene, rtol=1e-9)
    np.testing.assert_array_equal(d.hlg_display_to_scene(np.zeros(3)), 0.0)


def test_ictcp_and_its_distance_agree_with_colour_science() -> None:
    generator = np.random.default_rng(1)
    nits = generator.uniform(0, 1000, (50, 3))
    other = nits * generator.uniform(0.8, 1.2, nits.shape)
    pairs = [colour.RGB_to_ICtCp(v, L_p=10000) for v in (nits, other)]
    np.testing.assert_allclose(d.ictcp(nits), pairs[0], atol=1e-9)
    expected = colour.difference.delta_E_ITP(*pairs)
    np.testing.assert_allclose(d.delta_e_itp(nits, other, BT2020), expected, rtol=1e-6)


def test_distance_is_the_same_whichever_primaries_describe_the_light() -> None:
    nits = np.random.default_rng(2).uniform(0, 500, (2, 30, 3))
    wide = convert_primaries(nits, BT709, BT2020)
    expected = d.delta_e_itp(wide[0], wide[1], BT2020)
    np.testing.assert_allclose(d.delta_e_itp(nits[0], nits[1]), expected, rtol=1e-9)
