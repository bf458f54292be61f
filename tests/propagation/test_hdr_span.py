"""Radiance is carried at its own scale, whatever the camera's exposure does meanwhile."""

import cv2
import numpy as np
import pytest
import torch

from vidprop.color.transfer import srgb_encode
from vidprop.edits.camera_curve import assumed_curve
from vidprop.edits.hdr import to_edit
from vidprop.networks.temporal import TemporalConfig, TemporalNetwork
from vidprop.propagation.contract import KeyEdit
from vidprop.propagation.flow import FlowPropagator
from vidprop.propagation.hdr_span import RadiancePropagator
from vidprop.propagation.span import NetworkPropagator

CURVE = assumed_curve()
FRAMES = 6


def scene() -> np.ndarray:
    noise = np.random.default_rng(3).normal(0, 5, (100, 200, 3))
    return cv2.GaussianBlur(noise, None, 5).astype(np.float32) * 4 - 2.5


def truths() -> np.ndarray:
    """Stops [T, 64, 96, 3] of a camera that pans 2 pixels a frame."""
    return np.stack([scene()[10:74, 20 + 2 * t : 116 + 2 * t] for t in range(FRAMES)])


def signals(stops: np.ndarray, exposure: np.ndarray) -> list[np.ndarray]:
    light = np.clip(np.exp2(stops + exposure[:, None, None, None]), 0, 1)
    return list((np.rint(255 * srgb_encode(light)) / 255).astype(np.float32))


def key(stops: np.ndarray) -> KeyEdit:
    small = cv2.resize(stops, (48, 32), interpolation=cv2.INTER_AREA)
    return KeyEdit.full(to_edit(small, 0.0))


def carried(exposure: np.ndarray, sides: str, lift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Mean absolute error in stops of every frame, by flow; `lift` is of all the radiance."""
    stops = truths() + np.float32(lift)
    frames = signals(truths(), exposure)
    before = key(stops[0]) if "b" in sides else None
    after = key(stops[-1]) if "a" in sides else None
    propagator = RadiancePropagator(FlowPropagator(), CURVE)
    edits = [estimate.edit for estimate in propagator.propagate(frames, before, after)]
    errors = [8 * edit - 8 * key(truth).edit for edit, truth in zip(edits, stops, strict=True)]
    return np.abs(errors).mean(axis=(1, 2, 3)), np.mean(errors, axis=(1, 2, 3))


STEADY = np.zeros(FRAMES)
FALLING = np.linspace(0, -1.2, FRAMES)


@pytest.mark.parametrize("sides", ["b", "a", "ba"])
@pytest.mark.parametrize("exposure", [STEADY, FALLING], ids=["steady", "falling"])
def test_radiance_does_not_follow_the_cameras_exposure(sides: str, exposure: np.ndarray) -> None:
    errors, bias = carried(exposure, sides)
    assert errors.max() < 0.3
    assert np.abs(bias).max() < 0.1


def test_key_frames_may_be_at_any_scale() -> None:
    errors, _ = carried(FALLING, "ba", lift=7.0)
    assert errors.max() < 0.3


def test_light_that_grows_in_the_scene_grows_in_the_result() -> None:
    brighter = np.linspace(0, -1.2, FRAMES)
    stops = truths() + brighter[:, None, None, None].astype(np.float32)
    frames = signals(truths(), brighter)
    propagator = RadiancePropagator(FlowPropagator(), CURVE)
    edits = [e.edit for e in propagator.propagate(frames, key(stops[0]), key(stops[-1]))]
    bias = [8 * (e - key(truth).edit).mean() for e, truth in zip(edits, stops, strict=True)]
    assert np.abs(bias).max() < 0.1


@pytest.mark.parametrize("sides", ["a", "ba"])
def test_the_network_is_given_the_curve_at_the_scale_of_the_key_frames(sides: str) -> None:
    torch.manual_seed(0)
    config = TemporalConfig(
        edit_channels=3, extra_candidates=1, encoder=(8, 8), guidance=(8, 8), match_channels=4,
        context_channels=4, key_radius=1, previous_radius=1,
    )  # fmt: skip
    propagator = RadiancePropagator(NetworkPropagator(TemporalNetwork(config)), CURVE)
    stops = truths() + np.float32(4)
    ends = key(stops[0]) if "b" in sides else None, key(stops[-1]) if "a" in sides else None
    estimates = list(propagator.propagate(signals(truths(), FALLING), *ends))
    assert len(estimates) == FRAMES
    for estimate, truth in zip(estimates, stops, strict=True):
        assert estimate.edit.shape == (3, 32, 48)
        # Even untrained it mixes candidates that all lie near the truth.
        assert abs(8 * (estimate.edit - key(truth).edit).mean()) < 0.5
