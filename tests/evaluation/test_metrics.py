import warnings

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from skimage.metrics import peak_signal_noise_ratio

from vidprop.alignment import identity_positions
from vidprop.evaluation.metrics import (
    PSNR_LIMIT,
    Motion,
    colour_consistency,
    delta_e_2000,
    motions,
    psnr,
    warp_error,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # colour-science warns that Matplotlib is missing
    import colour

RNG = np.random.default_rng(5)


def frame(height=13, width=17):
    return RNG.random((height, width, 3), dtype=np.float32)


def test_psnr_is_that_of_scikit_image():
    truth, estimate = frame(), frame()
    expected = peak_signal_noise_ratio(truth.astype(float), estimate.astype(float), data_range=1)
    assert psnr(truth, estimate) == pytest.approx(expected, rel=1e-6)


def test_psnr_of_a_known_error():
    truth = np.zeros((4, 4, 3))
    assert psnr(truth, truth + 0.1) == pytest.approx(20)
    assert psnr(truth, truth + 25.5, peak=255) == pytest.approx(20)


def test_psnr_of_the_truth_is_the_limit():
    truth = frame()
    assert psnr(truth, truth) == PSNR_LIMIT


def test_delta_e_is_that_of_colour_science():
    truth, estimate = frame(), frame()
    white = colour.CCS_ILLUMINANTS["CIE 1931 2 Degree Standard Observer"]["D65"]
    lab = [colour.XYZ_to_Lab(colour.sRGB_to_XYZ(f.astype(float)), white) for f in (truth, estimate)]
    expected = colour.delta_E(*lab, method="CIE 2000").mean()
    assert delta_e_2000(truth, estimate) == pytest.approx(expected, rel=1e-3)


def test_delta_e_of_red_and_green_is_that_published():
    # Sharma, Wu and Dalal give no sRGB pair; this one is widely tabulated.
    red, green = np.zeros((2, 1, 1, 3))
    red[..., 0] = green[..., 1] = 1
    assert delta_e_2000(red, green) == pytest.approx(86.61, abs=0.02)


def test_cdc_is_the_mean_over_distances_of_the_jensen_shannon_divergence():
    frames = [frame() for _ in range(6)]
    codes = [np.rint(f * 255).astype(int) for f in frames]

    def divergence(one, other):
        counts = [np.bincount(c, minlength=256) for c in (one.ravel(), other.ravel())]
        return jensenshannon(*counts) ** 2

    expected = np.mean(
        [
            np.mean(
                [
                    divergence(codes[i][..., c], codes[i + d][..., c])
                    for i in range(6 - d)
                    for c in range(3)
                ]
            )
            for d in (1, 2, 4)
        ]
    )
    assert colour_consistency(frames) == pytest.approx(expected, rel=1e-9)


def test_cdc_of_a_still_clip_is_zero_and_of_disjoint_colours_ln_2():
    black, white = np.zeros((4, 4, 3)), np.ones((4, 4, 3))
    assert colour_consistency([black] * 5) == 0
    assert colour_consistency([black, white]) == pytest.approx(np.log(2))
    assert colour_consistency([black]) == 0


def shifted_texture(frames, step=3, size=48):
    wide = np.kron(RNG.random((size // 4, 40)), np.ones((4, 4))).astype(np.float32)
    return [wide[:, step * i : step * i + 64] for i in range(frames)]


def test_motion_follows_a_pan_and_knows_what_came_into_view():
    lumas = shifted_texture(2)
    (motion,) = motions(lumas)
    moved = motion.positions - identity_positions(48, 64)
    assert np.median(moved[motion.visible], axis=0) == pytest.approx([3, 0], abs=0.1)
    assert not motion.visible[:, -2:].any()
    assert motion.visible[8:-8, 8:48].mean() > 0.9


def test_warp_error_sees_flicker_but_not_motion():
    lumas = shifted_texture(4)
    motion = motions(lumas)
    steady = [np.repeat(luma[..., None], 3, axis=2) for luma in lumas]
    flicker = [frame + 0.2 * (i % 2) for i, frame in enumerate(steady)]
    assert warp_error(steady, motion) < 0.003
    assert warp_error(flicker, motion) == pytest.approx(0.04, rel=0.2)


def test_warp_error_counts_only_what_is_visible():
    seen = np.zeros((4, 4), bool)
    still = Motion(identity_positions(4, 4), seen)
    frames = [np.zeros((4, 4, 3)), np.ones((4, 4, 3))]
    assert warp_error(frames, [still]) == 0
    seen[0, 0] = True
    assert warp_error(frames, [still]) == 1
