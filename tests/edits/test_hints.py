import numpy as np
import pytest

from vidprop.edits import hints
from vidprop.edits.hints import Hint
from vidprop.errors import InputError


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def checked(height: int, width: int) -> np.ndarray:
    """Squares of 8x8, dark and light by turns."""
    rows, columns = np.indices((height, width)) // 8
    return ((rows + columns) % 2).astype(np.float32)


@pytest.mark.parametrize("count", [30, 300, 3000])
def test_a_grid_has_about_the_count_one_in_each_cell(count: int) -> None:
    places = hints.grid_positions((256, 512), count, rng())
    assert 0.9 * count < len(places) < 1.1 * count
    assert places.min() >= 0
    assert (places < (256, 512)).all()
    side = (256 * 512 / count) ** 0.5
    empty = np.ones((256, 512), bool)
    empty[tuple(places.T)] = False
    assert not empty[: int(2 * side), : int(2 * side)].all()


def test_superpixels_follow_the_squares_and_give_one_position_each() -> None:
    luma = checked(64, 96)
    places = hints.superpixel_positions(luma, 96, rng())
    squares = {tuple(place) for place in places // 8}
    assert 72 <= len(places) <= 120
    assert len(squares) > 0.8 * 96


def test_the_same_seed_gives_the_same_positions() -> None:
    luma = checked(48, 48)
    for draw in (
        lambda r: hints.superpixel_positions(luma, 20, r),
        lambda r: hints.grid_positions((48, 48), 20, r),
        lambda r: hints.scribble_positions((48, 48), 5, r),
        lambda r: hints.painted_area((48, 48), r),
    ):
        assert np.array_equal(draw(rng(3)), draw(rng(3)))
        assert not np.array_equal(draw(rng(3)), draw(rng(4)))


def test_strokes_are_thin_and_in_the_frame() -> None:
    places = hints.scribble_positions((100, 150), 10, rng())
    assert 50 < len(places) < 0.2 * 100 * 150
    assert (places < (100, 150)).all()


def test_a_painted_area_leaves_some_of_the_frame() -> None:
    shares = [hints.painted_area((60, 80), rng(seed)).mean() for seed in range(20)]
    assert 0.05 < np.mean(shares) < 0.6


def test_points_in_one_cell_are_averaged() -> None:
    places = np.array([(0, 0), (1, 1), (4, 2)])
    maps = hints.point_maps(places, np.array([[0.2], [0.4], [-0.1]]), 5, 4)
    assert maps.edit.shape == maps.mask.shape == (1, 3, 2)
    assert maps.edit[0] == pytest.approx(np.array([[0.3, 0], [0, 0], [0, -0.1]]))
    assert maps.mask[0].tolist() == [[1, 0], [0, 0], [0, 1]]


def test_no_points_give_empty_maps() -> None:
    maps = hints.hint_maps([], 0, 6, 8)
    assert maps.edit.shape == (2, 3, 4)
    assert not maps.edit.any()
    assert not maps.mask.any()


def test_paint_counts_by_its_alpha() -> None:
    values = np.full((3, 4, 2), 0.25)
    values[0, 0] = 0.45
    alpha = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [0.5, 0.5, 0, 0]])
    maps = hints.painted_maps(values, alpha)
    assert maps.mask[0] == pytest.approx(np.array([[0.5, 0], [0.5, 0]]))
    assert maps.edit[0] == pytest.approx(np.array([[0.35, 0], [0.25, 0]]))


def test_opaque_paint_gives_the_mean_of_each_cell() -> None:
    values = rng().random((4, 6, 2))
    maps = hints.painted_maps(values, np.ones((4, 6)))
    assert maps.mask.min() == 1
    assert maps.edit[:, 1, 2] == pytest.approx(values[2:, 4:].mean((0, 1)), abs=1e-6)


def test_only_the_hints_of_the_frame_count_and_grey_has_no_chroma() -> None:
    given = [Hint(0, 2, 0, (1, 0, 0)), Hint(0, 0, 2, (0.5, 0.5, 0.5)), Hint(7, 0, 0, (0, 0, 1))]
    maps = hints.hint_maps(given, 0, 4, 4)
    assert maps.mask[0].tolist() == [[0, 1], [1, 0]]
    assert maps.edit[1, 0, 1] == pytest.approx(0.5)  # pure red has the largest Cr
    assert maps.edit[:, 1, 0] == pytest.approx(0, abs=1e-7)


def test_what_does_not_fit_is_named() -> None:
    one = np.zeros((1, 2))
    with pytest.raises(InputError, match="hint x=9 y=1 is outside the frame of 8x4"):
        hints.point_maps(np.array([(1, 9)]), one, 4, 8)
    with pytest.raises(InputError, match="values must be one a position, 2, not 1"):
        hints.point_maps(np.array([(1, 1), (2, 2)]), one, 4, 8)
    with pytest.raises(InputError, match=r"alpha must be \(4, 8\), not \(4, 7\)"):
        hints.painted_maps(np.zeros((4, 8, 2)), np.zeros((4, 7)))
    with pytest.raises(InputError, match="count must be 1 or more, not 0"):
        hints.grid_positions((4, 8), 0, rng())
