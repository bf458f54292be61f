"""A span walked by the network: what it must give whatever its weights."""

import numpy as np
import pytest
import torch

from vidprop.errors import BackendError, InputError
from vidprop.networks.temporal import TemporalConfig, TemporalNetwork
from vidprop.propagation.contract import Array, Estimate, KeyEdit
from vidprop.propagation.span import NetworkPropagator, device_named

SMALL = TemporalConfig(
    match_channels=4,
    context_channels=4,
    search_channels=4,
    encoder=(8,),
    guidance=(8,),
    key_radius=1,
    previous_radius=1,
)


@pytest.fixture(scope="module")
def propagator() -> NetworkPropagator:
    torch.manual_seed(0)
    return NetworkPropagator(TemporalNetwork(SMALL), half=False)


def _guides(frames: int = 5, height: int = 32, width: int = 48) -> list[Array]:
    noise = np.random.default_rng(0).random((height, width + frames), np.float32)
    return [np.ascontiguousarray(noise[:, t : t + width]) for t in range(frames)]


def _edit(seed: int) -> Array:
    return np.random.default_rng(seed).normal(0, 0.1, (2, 16, 24)).astype(np.float32)


def _edits(estimates: list[Estimate]) -> Array:
    return np.stack([e.edit for e in estimates])


def test_key_frames_come_out_as_they_went_in(propagator: NetworkPropagator) -> None:
    before, after = KeyEdit.full(_edit(1)), KeyEdit.full(_edit(2))
    out = list(propagator.propagate(_guides(), before, after))
    assert len(out) == 5
    np.testing.assert_array_equal(out[0].edit, before.edit)
    np.testing.assert_array_equal(out[-1].edit, after.edit)
    assert out[0].confidence.min() == out[-1].confidence.min() == 1
    assert all(e.confidence.min() >= 0 and e.confidence.max() <= 1 for e in out)


def test_time_may_be_turned_round(propagator: NetworkPropagator) -> None:
    key, guides = KeyEdit.full(_edit(1)), _guides()
    onward = _edits(list(propagator.propagate(guides, key, None)))
    turned = _edits(list(propagator.propagate(guides[::-1], None, key)))
    np.testing.assert_array_equal(onward, turned[::-1])


def test_a_flat_edit_stays_flat_from_either_side(propagator: NetworkPropagator) -> None:
    flat = np.full((2, 16, 24), 0.2, np.float32)
    key = KeyEdit.full(flat)
    for estimate in propagator.propagate(_guides(), key, key):
        np.testing.assert_allclose(estimate.edit, flat, atol=1e-4)


def test_what_a_partial_key_leaves_out_is_filled_from_what_it_gives(
    propagator: NetworkPropagator,
) -> None:
    coverage = np.zeros((1, 16, 24), np.float32)
    coverage[:, :, :12] = 1
    edit = np.where(coverage > 0, np.float32(0.3), np.float32(-9))
    key = KeyEdit(np.repeat(edit, 2, 0), coverage)
    for estimate in propagator.propagate(_guides(), key, None):
        np.testing.assert_allclose(estimate.edit[:, :, :10], 0.3, atol=1e-3)
        assert np.isfinite(estimate.edit).all()
        assert estimate.edit.min() > -0.01


def test_one_frame_is_its_key(propagator: NetworkPropagator) -> None:
    key = KeyEdit.full(_edit(1))
    (only,) = propagator.propagate(_guides(1), key, None)
    np.testing.assert_array_equal(only.edit, key.edit)


def test_misfits_are_named(propagator: NetworkPropagator) -> None:
    key = KeyEdit.full(_edit(1))
    with pytest.raises(InputError, match="at least one of them must be given"):
        list(propagator.propagate(_guides(), None, None))
    with pytest.raises(InputError, match="multiples of 16, not 30x48"):
        list(propagator.propagate([g[:30] for g in _guides()], key, None))
    with pytest.raises(BackendError, match="is no device"):
        device_named("abacus")
