"""The camera's curve, its limits and the exposures are found again from key pairs."""

import numpy as np
import pytest

from vidprop.color.transfer import srgb_encode
from vidprop.edits.camera_curve import CameraCurve, assumed_curve
from vidprop.edits.camera_fit import KeyPair, fit_curve
from vidprop.errors import InputError

POWERS = (1 / 2.2, 1 / 1.8, 1 / 2.6)


def scene(seed: int, low: float = -8.0, high: float = 3.0) -> np.ndarray:
    """Smooth stops [120, 160, 3]: every brightness there is, few edges."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:1:120j, 0:1:160j]
    phase = rng.uniform(0, 6, 3)
    waves = np.sin(9 * x[..., None] + phase) * np.cos(7 * y[..., None] - phase)
    return (low + (high - low) * (0.5 + 0.5 * waves)).astype(np.float32)


def shoot(stops: np.ndarray, exposure: float = 0.0, white: float = 1.0) -> np.ndarray:
    """What a camera with another gamma in each channel makes of it: 8 bits, as a signal."""
    light = np.clip(np.exp2(stops + exposure), 0, 1)
    signal = np.stack([light[..., c] ** POWERS[c] for c in range(3)], axis=-1) * white
    return (np.rint(signal * 255) / 255).astype(np.float32)


def truth(signal: np.ndarray, white: float = 1.0) -> np.ndarray:
    return np.stack([np.log2(signal[..., c] / white) / POWERS[c] for c in range(3)], axis=-1)


def middle_signals() -> np.ndarray:
    return np.repeat(np.arange(48, 236, dtype=np.float32)[:, None] / 255, 3, axis=1)


def test_the_curve_of_every_channel_is_found() -> None:
    stops = scene(0)
    fit = fit_curve([KeyPair(shoot(stops), stops)])
    found = fit.curve.stops(middle_signals())
    assert np.abs(found - truth(middle_signals())).max() < 0.06
    assert fit.errors[0] < 0.05


def test_curves_rise_and_trust_ends_at_the_limits() -> None:
    stops = scene(0)
    curve = fit_curve([KeyPair(shoot(stops), stops)]).curve
    assert (np.diff(curve.table, axis=1) >= 0).all()
    assert ((curve.trust >= 0) & (curve.trust <= 1)).all()
    assert (curve.weights(np.ones((1, 3), np.float32)) == 0).all()
    assert (curve.weights(np.zeros((1, 3), np.float32)) == 0).all()
    assert (curve.weights(np.full((1, 3), 0.5, np.float32)) == 1).all()


@pytest.mark.parametrize("white", [1.0, 0.94])
def test_clipped_pixels_are_told_from_bright_ones(white: float) -> None:
    stops = scene(1)
    signal = shoot(stops, white=white)
    curve = fit_curve([KeyPair(signal, stops)]).curve
    clipped = stops > 0
    assert curve.clipped(signal)[clipped].all()
    assert not curve.clipped(signal)[stops < -0.3].any()
    assert curve.weights(signal)[clipped].max() < 0.01


def test_the_exposures_of_several_key_frames_are_found() -> None:
    exposures = [0.0, 1.5, -2.0]
    scenes = [scene(seed) for seed in range(3)]
    pairs = [KeyPair(shoot(s, e), s) for s, e in zip(scenes, exposures, strict=True)]
    fit = fit_curve(pairs)
    np.testing.assert_allclose(fit.offsets.mean(axis=1), [0.0, -1.5, 2.0], atol=0.05)
    assert np.abs(fit.curve.stops(middle_signals()) - truth(middle_signals())).max() < 0.08


def test_key_frames_at_another_scale_are_the_same_but_for_their_exposure() -> None:
    one, other = scene(3), scene(4)
    pairs = [KeyPair(shoot(one), one), KeyPair(shoot(other), other + 5)]
    fit = fit_curve(pairs)
    np.testing.assert_allclose(fit.offsets[1], 5.0, atol=0.05)


def test_outliers_do_not_bend_the_curve() -> None:
    rng = np.random.default_rng(0)
    stops = scene(5)
    measured = stops + np.where(rng.random(stops.shape) < 0.2, 4.0, 0.0).astype(np.float32)
    fit = fit_curve([KeyPair(shoot(stops), measured)])
    assert np.abs(fit.curve.stops(middle_signals()) - truth(middle_signals())).max() < 0.2


def test_where_no_pixel_has_been_the_curve_goes_on_and_is_trusted_less() -> None:
    stops = scene(6, low=-3.5, high=-2.5)
    curve = fit_curve([KeyPair(shoot(stops), stops)]).curve
    wide = middle_signals()
    assert np.abs(curve.stops(wide) - truth(wide)).max() < 0.8
    seen, unseen = np.float32([[0.3] * 3]), np.float32([[0.75] * 3])
    assert curve.weights(unseen).max() < curve.weights(seen).min()


def test_noise_is_measured_in_codes() -> None:
    rng = np.random.default_rng(1)
    stops = scene(7, high=-0.5)
    noisy = shoot(stops) + rng.normal(0, 4 / 255, stops.shape).astype(np.float32)
    curve = fit_curve([KeyPair(np.clip(noisy, 0, 1), stops)]).curve
    at = np.float32([[0.3] * 3, [0.6] * 3])
    low, high = curve.interval(at)
    assert (curve.stops(at - np.float32(10 / 255)) <= low).all()
    assert (low <= curve.stops(at - np.float32(6 / 255))).all()
    assert (high > low).all()


def test_without_noise_the_interval_is_that_of_rounding() -> None:
    stops = scene(8, high=-0.5)
    curve = fit_curve([KeyPair(shoot(stops), stops)]).curve
    at = np.float32([[0.3] * 3, [0.6] * 3])
    half = np.float32(0.5 / 255)
    low, high = curve.interval(at)
    np.testing.assert_allclose(
        high - low, curve.stops(at + half) - curve.stops(at - half), rtol=0.4
    )


def test_ten_bits_give_a_finer_interval() -> None:
    fine, coarse = (assumed_curve(bits).interval(np.float32([[0.5] * 3])) for bits in (10, 8))
    assert (fine[1] - fine[0] < 0.3 * (coarse[1] - coarse[0])).all()


def test_the_assumed_curve_is_srgb() -> None:
    light = np.float32([0.01, 0.18, 0.7])
    stops = assumed_curve().stops(np.repeat(srgb_encode(light)[:, None], 3, axis=1))
    np.testing.assert_allclose(stops[:, 0], np.log2(light), atol=0.02)


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
def test_a_flat_frame_gives_a_curve_still(value: float) -> None:
    signal = np.full((40, 50, 3), value, np.float32)
    curve = fit_curve([KeyPair(signal, np.full((40, 50, 3), -1.5, np.float32))]).curve
    assert isinstance(curve, CameraCurve)
    assert np.isfinite(curve.table).all()
    assert np.isfinite(curve.trust).all()
    assert np.isfinite(curve.noise).all()


def test_errors() -> None:
    with pytest.raises(InputError, match="pairs: at least one"):
        fit_curve([])
    image = np.zeros((4, 5, 3), np.float32)
    with pytest.raises(InputError, match=r"\(4, 5, 3\) and \(4, 6, 3\)"):
        KeyPair(image, np.zeros((4, 6, 3), np.float32))
