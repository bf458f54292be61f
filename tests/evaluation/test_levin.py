import numpy as np
import pytest

from vidprop.evaluation.levin import Levin

EVERY = [Levin(), Levin("sharp"), Levin("sharp", half=True)]


def two_halves(height=16, width=32):
    luma = np.zeros((height, width), np.float32)
    luma[:, width // 2 :] = 0.8
    return luma


@pytest.mark.parametrize(("method", "leak"), [(EVERY[0], 0.16), (EVERY[1], 0.01), (EVERY[2], 0.01)])
def test_colour_fills_each_region_from_its_hint_and_stops_at_the_edge(method, leak):
    positions = np.array([[3, 4], [12, 28]])
    values = np.array([[0.3, -0.2], [-0.1, 0.4]], np.float32)
    chroma = method.colour(two_halves(), positions, values)
    half = chroma.shape[2] // 2
    np.testing.assert_allclose(chroma[0, :, : half - 1], 0.3, atol=leak)
    np.testing.assert_allclose(chroma[1, :, half + 1 :], 0.4, atol=2 * leak)


@pytest.mark.parametrize("method", EVERY[:2])
def test_hints_keep_their_value(method):
    rng = np.random.default_rng(1)
    luma = rng.random((16, 16), dtype=np.float32)
    positions = np.argwhere(rng.random((16, 16)) < 0.1)
    values = rng.random((len(positions), 2), dtype=np.float32) - 0.5
    chroma = method.colour(luma, positions, values)
    np.testing.assert_allclose(chroma[:, positions[:, 0], positions[:, 1]].T, values, atol=1e-6)


def test_each_free_pixel_is_the_mean_of_its_neighbours_weighted_as_in_the_paper():
    rng = np.random.default_rng(2)
    luma = rng.random((7, 9), dtype=np.float32)
    positions = np.array([[0, 0], [6, 8]])
    solved = Levin().colour(luma, positions, np.array([[0.5], [-0.5]], np.float32))[0]
    y, x = 3, 4
    window, around = luma[2:5, 3:6].astype(float), solved[2:5, 3:6].astype(float)
    weights = np.exp(-np.square(window - window[1, 1]) / (2 * window.var()))
    weights[1, 1] = 0
    assert solved[y, x] == pytest.approx((weights * around).sum() / weights.sum(), abs=1e-6)


def test_values_stay_between_the_hints():
    rng = np.random.default_rng(4)
    luma = rng.random((32, 32), dtype=np.float32)
    positions, values = np.array([[2, 2], [29, 29]]), np.array([[0.0], [1.0]], np.float32)
    solved = Levin().colour(luma, positions, values)
    assert solved.min() > -1e-6
    assert solved.max() < 1 + 1e-6
