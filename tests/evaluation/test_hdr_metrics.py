import numpy as np
import pytest

from vidprop.alignment import flow_positions, identity_positions, warp
from vidprop.evaluation.hdr_metrics import flicker, log_rmse, pu21, pu21_psnr
from vidprop.evaluation.metrics import PSNR_LIMIT, Motion


def test_pu21_of_its_anchors():
    # The paper: 0.005 cd/m2 maps to 0 and 100, white of an SDR display, to 256, as well as
    # the fitted curve comes to it; 595.39 is the top of its table.
    assert pu21([0.005, 100, 10000]) == pytest.approx([0, 256, 595.39], abs=0.5)


def test_pu21_rises_and_is_clamped_where_it_was_not_fitted():
    nits = np.geomspace(0.005, 10000, 200)
    assert (np.diff(pu21(nits)) > 0).all()
    assert pu21([0.0, 2e4]) == pytest.approx(pu21([0.005, 1e4]))


def test_pu21_psnr_of_a_known_step():
    truth = np.full((2, 2, 3), 100.0)
    estimate = np.full((2, 2, 3), 120.0)
    step = float(pu21(120.0) - pu21(100.0))
    assert pu21_psnr(truth, estimate) == pytest.approx(20 * np.log10(256 / step))
    assert pu21_psnr(truth, truth) == PSNR_LIMIT


def test_log_rmse_is_in_stops_and_counts_where_asked():
    truth = np.zeros((3, 4))
    estimate = truth.copy()
    estimate[0, 0] = 2
    assert log_rmse(truth, truth + 1) == pytest.approx(1)
    assert log_rmse(truth, estimate) == pytest.approx(np.sqrt(4 / 12))
    assert log_rmse(truth, estimate, estimate > 0) == pytest.approx(2)
    assert np.isnan(log_rmse(truth, estimate, estimate > 5))


def test_flicker_is_nothing_for_the_truth_or_an_error_that_moves_along():
    flow = np.full((6, 8, 2), (-1, 0), np.float32)
    motion = Motion(flow_positions(flow), np.ones((6, 8), bool))
    truth = [np.random.default_rng(i).random((6, 8)).astype(np.float32) for i in range(3)]
    error = [np.zeros((6, 8), np.float32)]
    error[0][2, 3] = 1
    for _ in range(2):
        error.append(warp(error[-1], motion.positions))
    wrong = [one + other for one, other in zip(truth, error, strict=True)]
    assert flicker(truth, truth, [motion] * 2) == 0
    assert flicker(truth, wrong, [motion] * 2) == pytest.approx(0, abs=1e-6)


def test_flicker_of_an_alternating_exposure_is_its_step():
    still = Motion(identity_positions(4, 4), np.ones((4, 4), bool))
    truth = [np.zeros((4, 4), np.float32)] * 4
    wrong = [frame + 0.5 * (i % 2) for i, frame in enumerate(truth)]
    assert flicker(truth, wrong, [still] * 3) == pytest.approx(0.5)
    assert flicker(truth[:1], wrong[:1], []) == 0
