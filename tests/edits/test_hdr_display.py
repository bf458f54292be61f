"""Radiance lands on the display where it should: white, peak, hue, signal."""

import numpy as np
import pytest

from vidprop.color.matrices import BT709, BT2020, convert_primaries
from vidprop.color.transfer import hlg_decode, pq_decode
from vidprop.edits.hdr_display import DisplayScale, roll_off
from vidprop.errors import InputError

GREY = np.ones((1, 3), np.float32)


def test_white_is_shown_at_203_nits_and_a_stop_below_at_half() -> None:
    scale = DisplayScale(white=2.0)
    np.testing.assert_allclose(scale.nits(2.0 * GREY), 203, rtol=1e-5)
    np.testing.assert_allclose(scale.nits(1.0 * GREY), 101.5, rtol=1e-5)


def test_light_never_passes_the_peak_and_keeps_its_order() -> None:
    nits = DisplayScale(0.0, peak_nits=600).nits(np.linspace(-10, 60, 200)[:, None] * GREY)[:, 0]
    assert nits.max() <= 600
    assert (np.diff(nits) >= -1e-3).all()
    assert nits[0] < 1


def test_rolling_off_keeps_the_hue() -> None:
    light = np.array([[4000.0, 1000.0, 500.0]])
    np.testing.assert_allclose(
        roll_off(light, 1000.0)[0] / roll_off(light, 1000.0)[0, 0], [1, 0.25, 0.125]
    )


def test_below_the_knee_nothing_changes() -> None:
    light = np.array([[700.0, 10.0, 0.0]])
    np.testing.assert_array_equal(roll_off(light, 1000.0), light)


def test_primaries_are_converted_to_bt2020() -> None:
    red = np.log2(np.array([[0.5, 0.01, 0.02]]))
    expected = 203 * convert_primaries(np.exp2(red), BT709, BT2020)
    np.testing.assert_allclose(DisplayScale(0.0).nits(red), expected, rtol=1e-4)
    wide = DisplayScale(0.0, primaries=BT2020).nits(red)
    np.testing.assert_allclose(wide, 203 * np.exp2(red), rtol=1e-4)


def test_signals_decode_to_the_light_they_stand_for() -> None:
    scale = DisplayScale(0.0)
    nits = scale.nits(np.linspace(-6, 0, 20)[:, None] * GREY)
    np.testing.assert_allclose(pq_decode(scale.signal(nits, "pq")), nits, rtol=1e-3)
    white = scale.signal(scale.nits(0.0 * GREY), "hlg")
    np.testing.assert_allclose(white, 0.75, atol=2e-3)  # BT.2408, table 1
    assert hlg_decode(white[0, 0]) == pytest.approx(0.265, abs=2e-3)


@pytest.mark.parametrize(("white", "peak"), [(300, 200), (0.5, 100), (203, 20000)])
def test_scales_that_no_display_has(white: float, peak: float) -> None:
    with pytest.raises(InputError, match="1 <= white <= peak <= 10000"):
        DisplayScale(0.0, white, peak)
