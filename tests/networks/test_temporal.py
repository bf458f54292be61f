"""The temporal network: shapes, what it may and may not do, its errors."""

import pytest
import torch

from vidprop.errors import InputError
from vidprop.networks.carry import CarryConfig
from vidprop.networks.temporal import Estimate, Reference, Seen, TemporalConfig, TemporalNetwork

SMALL = TemporalConfig(
    match_channels=4, context_channels=4, encoder=(8, 8), guidance=(8, 8), key_radius=1,
    previous_radius=1, search_channels=4,
)  # fmt: skip


def _positions(n: int, h: int, w: int) -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    return torch.stack([columns, rows], -1).float().expand(n, h, w, 2)


def _network(config: TemporalConfig = SMALL) -> TemporalNetwork:
    torch.manual_seed(0)
    return TemporalNetwork(config)


def _reference(network: TemporalNetwork, edit: torch.Tensor, coverage: float = 1) -> Reference:
    n, _, h, w = edit.shape
    seen = network.look(torch.rand(n, 1, 2 * h, 2 * w))
    return Reference(
        seen, edit, torch.full((n, 1, h, w), coverage), _positions(n, h, w), torch.ones(n)
    )


def _estimate(network: TemporalNetwork, frame: Seen, *references: Reference | None) -> Estimate:
    return network(frame, references)


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("size", [(8, 8), (5, 9)])
def test_any_size_and_number_of_channels(channels: int, size: tuple[int, int]) -> None:
    network = _network(TemporalConfig(**{**vars(SMALL), "edit_channels": channels}))
    frame = network.look(torch.rand(2, 1, 2 * size[0], 2 * size[1]))
    key = _reference(network, torch.rand(2, channels, *size))
    estimate = _estimate(network, frame, key, None, key)
    assert estimate.edit.shape == (2, channels, *size)
    assert estimate.confidence.shape == (2, 1, *size)
    assert 0 <= estimate.confidence.min() <= estimate.confidence.max() <= 1


def test_a_flat_edit_stays_as_it_is() -> None:
    """Everything is an average of what the references have: nothing is made up."""
    network = _network()
    frame = network.look(torch.rand(1, 1, 16, 24))
    colour = torch.tensor([0.2, -0.3]).view(1, 2, 1, 1).expand(1, 2, 8, 12)
    key = _reference(network, colour)
    estimate = _estimate(network, frame, key, key, None)
    torch.testing.assert_close(estimate.edit, colour, atol=1e-5, rtol=0)


def test_a_reference_that_covers_nothing_counts_nothing() -> None:
    network = _network()
    frame = network.look(torch.rand(1, 1, 16, 16))
    green = _reference(network, torch.full((1, 2, 8, 8), -0.2))
    void = _reference(network, torch.full((1, 2, 8, 8), 0.5), coverage=0)
    estimate = _estimate(network, frame, green, void, None)
    torch.testing.assert_close(estimate.edit, green.edit, atol=1e-5, rtol=0)


def test_every_parameter_learns() -> None:
    network = _network()
    frame = network.look(torch.rand(1, 1, 16, 16))
    references = [_reference(network, torch.rand(1, 2, 8, 8)) for _ in range(3)]
    estimate = _estimate(network, frame, *references)
    (estimate.edit.square().sum() + estimate.confidence.sum()).backward()  # type: ignore[no-untyped-call]
    idle = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


def test_misfits_are_named() -> None:
    network = _network()
    frame = network.look(torch.rand(1, 1, 16, 16))
    key = _reference(network, torch.rand(1, 2, 8, 8))
    with pytest.raises(InputError, match="must be 3 and 0 long, not 1 and 0"):
        _estimate(network, frame, key)
    with pytest.raises(InputError, match="at least one frame whose edit is known"):
        _estimate(network, frame, None, None, None)
    with pytest.raises(InputError, match="channels must be 1 or more"):
        TemporalConfig(edit_channels=0)


@pytest.mark.parametrize(
    "carrying",
    [
        CarryConfig(connections=1),
        CarryConfig(connections=0),
        CarryConfig(mix="max"),
        CarryConfig(own=True),
        CarryConfig(units=2),
        CarryConfig(handmade=True),
    ],
    ids=str,
)
def test_every_way_of_carrying_keeps_a_flat_edit(carrying: CarryConfig) -> None:
    config = TemporalConfig(**{**vars(SMALL), "carry": carrying, "aligned": False})
    network = _network(config)
    frame = network.look(torch.rand(1, 1, 16, 24))
    colour = torch.tensor([0.2, -0.3]).view(1, 2, 1, 1).expand(1, 2, 8, 12)
    key = _reference(network, colour)
    estimate = _estimate(network, frame, key, key, None)
    torch.testing.assert_close(estimate.edit, colour, atol=1e-5, rtol=0)
