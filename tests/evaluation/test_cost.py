"""Arithmetic is counted as it can be reckoned by hand."""

from dataclasses import replace

import pytest

from vidprop.evaluation.cost import temporal_cost
from vidprop.networks.temporal import TemporalConfig, TemporalNetwork

SMALL = TemporalConfig(match_channels=4, search_channels=0, key_radius=1, previous_radius=0)


def test_windows_cost_their_places():
    with_match = temporal_cost(TemporalNetwork(SMALL), 32, 48)
    blind = TemporalNetwork(replace(SMALL, key_radius=0))
    without = temporal_cost(blind, 32, 48)
    places = 9 * 16 * 24
    assert with_match.match - without.match == pytest.approx(places * 2 * (4 + 4) / 1e9)


def test_it_grows_with_the_frame_and_with_key_frames():
    network = TemporalNetwork(SMALL)
    one = temporal_cost(network, 64, 64)
    assert temporal_cost(network, 64, 128).total == pytest.approx(2 * one.total, rel=1e-6)
    assert temporal_cost(network, 64, 64, keys=2).match == pytest.approx(2 * one.match)
