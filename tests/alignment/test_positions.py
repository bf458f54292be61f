import numpy as np
import pytest

from vidprop.alignment import (
    compose,
    consistency,
    extend,
    flow_positions,
    identity_positions,
    inside,
    luma_residual,
    warp,
)
from vidprop.errors import InputError


def constant_flow(dx, dy, height=9, width=11):
    return np.full((height, width, 2), (dx, dy), np.float32)


def test_identity_is_x_then_y():
    positions = identity_positions(3, 5)
    assert positions.shape == (3, 5, 2)
    np.testing.assert_array_equal(positions[2, 4], [4, 2])


def test_warp_by_the_identity_changes_nothing():
    image = np.random.default_rng(0).random((7, 5, 6), dtype=np.float32)
    np.testing.assert_array_equal(warp(image, identity_positions(7, 5)), image)


def test_warp_is_bilinear_and_repeats_the_border():
    image = np.array([[0, 10, 30]], np.uint8)
    positions = np.array([[[0.25, 0], [1.5, 0.0], [-7, 0], [9, 4]]], np.float32)
    np.testing.assert_allclose(warp(image, positions), [[2.5, 20, 0, 30]], atol=0.4)


def test_warp_keeps_a_single_channel():
    assert warp(np.zeros((4, 4, 1)), identity_positions(2, 3)).shape == (2, 3, 1)


@pytest.mark.parametrize(
    ("image", "positions", "message"),
    [
        (np.zeros(4), np.zeros((2, 2, 2), np.float32), "image: want"),
        (np.zeros((0, 4)), np.zeros((2, 2, 2), np.float32), "image: want"),
        (np.zeros((4, 4)), np.zeros((2, 2, 3), np.float32), "positions: want"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(image, positions, message):
    with pytest.raises(InputError, match=message):
        warp(image, positions)


def test_composed_steps_add_up_also_outside_the_frame():
    positions = identity_positions(9, 11)
    for _ in range(5):
        positions = compose(constant_flow(-4, 1.5), positions)
    np.testing.assert_allclose(positions, flow_positions(constant_flow(-20, 7.5)), atol=1e-4)


def test_extended_steps_add_up():
    positions = identity_positions(9, 11)
    for _ in range(3):
        positions = extend(positions, constant_flow(2, -1))
    np.testing.assert_allclose(positions, flow_positions(constant_flow(6, -3)), atol=1e-5)


def test_compose_reads_the_map_of_the_frame_before_where_the_pixel_was():
    before = identity_positions(4, 6)
    before[:, 2] += (10, 20)
    composed = compose(constant_flow(-1, 0, 4, 6), before)
    np.testing.assert_allclose(composed[1, 3], [12, 21], atol=1e-5)
    np.testing.assert_allclose(composed[1, 4], [3, 1], atol=1e-5)


def test_inside_reaches_half_a_pixel_past_the_outermost_centres():
    positions = np.array([[[-0.5, 0], [-0.6, 0], [4.5, 2.5], [4.6, 0], [0, 2.6]]], np.float32)
    np.testing.assert_array_equal(inside(positions, (3, 5)), [[True, False, True, False, False]])


def test_consistency_is_zero_for_opposite_flows_and_their_sum_otherwise():
    there, back = constant_flow(2, 1), constant_flow(-2, -1)
    np.testing.assert_allclose(consistency(there, back), 0, atol=1e-6)
    np.testing.assert_allclose(consistency(there, constant_flow(1, 3)), 5, atol=1e-5)


def test_luma_residual_is_what_the_warp_does_not_explain():
    source = np.arange(12, dtype=np.uint8).reshape(1, 12)
    target = (source + 6).astype(np.uint8)
    positions = identity_positions(1, 12) + np.array([1, 0], np.float32)
    np.testing.assert_allclose(luma_residual(target, source, positions)[0, :-1], 5)
