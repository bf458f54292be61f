"""Weights come back as they were, or not at all."""

from pathlib import Path

import pytest
import torch

from vidprop.errors import WeightsError
from vidprop.networks.temporal import TemporalConfig, TemporalNetwork
from vidprop.weights import load_weights, save_weights, shipped

CONFIG = TemporalConfig(
    match_channels=2, context_channels=2, encoder=(4,), guidance=(4,), key_radius=1
)


def _saved(folder: Path) -> Path:
    path = folder / "small.safetensors"
    save_weights(path, TemporalNetwork(CONFIG), {"steps": 3})
    return path


def test_round_trip_with_configuration(tmp_path: Path) -> None:
    network = TemporalNetwork(CONFIG)
    save_weights(tmp_path / "w.safetensors", network)
    loaded = load_weights(TemporalNetwork, tmp_path / "w.safetensors")
    assert loaded.config == CONFIG
    assert not loaded.training
    for name, value in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name


def test_another_network_is_refused(tmp_path: Path) -> None:
    class Other(TemporalNetwork):
        pass

    with pytest.raises(WeightsError, match="are of TemporalNetwork, not of Other"):
        load_weights(Other, _saved(tmp_path))


def test_damage_is_named(tmp_path: Path) -> None:
    path = _saved(tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="cannot be read"):
        load_weights(TemporalNetwork, path)


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    network = TemporalNetwork(CONFIG)
    with torch.no_grad():
        network.sharpness.fill_(torch.nan)
    save_weights(tmp_path / "nan.safetensors", network)
    with pytest.raises(WeightsError, match="not finite"):
        load_weights(TemporalNetwork, tmp_path / "nan.safetensors")


def test_unknown_names_list_what_there_is() -> None:
    with pytest.raises(WeightsError, match="neither a file nor one of"):
        load_weights(TemporalNetwork, "no-such-weights")


@pytest.mark.parametrize("name", [n for n in shipped() if n in ("colour", "hdr")])
def test_shipped_temporal_weights_load(name: str) -> None:
    assert load_weights(TemporalNetwork, name).config.candidates > 0
