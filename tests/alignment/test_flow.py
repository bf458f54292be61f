import cv2
import numpy as np
import pytest

from vidprop.alignment import Flow, FlowConfig, dense_flow, flow_luma, flow_positions, warp
from vidprop.errors import InputError


def texture(height, width, seed=0):
    noise = np.random.default_rng(seed).random((height, width), dtype=np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


@pytest.mark.parametrize("config", [FlowConfig(), FlowConfig.medium()])
def test_flow_points_from_the_target_to_where_it_was_in_the_source(config):
    wide = texture(96, 120)
    source, target = wide[10:74, 10:90], wide[12:76, 7:87]
    flow = dense_flow(target, source, config)
    centre = flow[12:-12, 12:-12]
    np.testing.assert_allclose(np.median(centre, axis=(0, 1)), [-3, 2], atol=0.1)


def test_source_warped_along_the_flow_is_the_target():
    wide = texture(96, 120)
    source, target = wide[10:74, 10:90], wide[11:75, 12:92]
    moved = warp(source, flow_positions(dense_flow(target, source)))
    assert np.abs(moved - target)[8:-8, 8:-8].mean() < 1


@pytest.mark.parametrize("config", [FlowConfig(), FlowConfig.medium()])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (7, 9), (8, 64), (15, 300), (12, 12), (33, 31)])
def test_frames_of_any_size_get_a_finite_flow_of_that_size(size, config):
    luma = texture(*size)
    flow = dense_flow(luma, luma[::-1], config)
    assert flow.shape == (*size, 2)
    assert flow.dtype == np.float32
    assert np.isfinite(flow).all()


def test_a_still_flat_frame_does_not_move():
    luma = np.full((40, 40), 90, np.uint8)
    assert not dense_flow(luma, luma).any()


def test_the_medium_settings_are_those_of_opencv():
    preset = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    target, source = texture(64, 80), texture(64, 80, seed=1)
    expected = preset.calc(target, source, None)
    np.testing.assert_array_equal(dense_flow(target, source, FlowConfig.medium()), expected)


@pytest.mark.parametrize(
    ("target", "source", "message"),
    [
        (np.zeros((9, 9)), np.zeros((9, 9), np.uint8), "target_luma: want 8-bit"),
        (np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3), np.uint8), "source_luma: want 8-bit"),
        (np.zeros((0, 9), np.uint8), np.zeros((0, 9), np.uint8), "target_luma: want 8-bit"),
        (np.zeros((9, 9), np.uint8), np.zeros((9, 8), np.uint8), "the target's size"),
    ],
)
def test_planes_that_do_not_fit_are_refused(target, source, message):
    with pytest.raises(InputError, match=message):
        Flow()(target, source)


def test_luma_is_rounded_and_clipped():
    luma = np.array([[-1, 0, 0.5, 1, 3]], np.float32)
    np.testing.assert_array_equal(flow_luma(luma), [[0, 0, 128, 255, 255]])
