import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vidprop.errors import InputError
from vidprop.networks.spatial import SpatialConfig, SpatialNetwork
from vidprop.weights import load_weights, save_weights

SMALL = SpatialConfig(units=((4, 6), (4, 6)), features=6)
DECK = replace(SMALL, strides=(1, 1), lifted=5, shared=False, mix="max")
CONFIGURATIONS = {
    "default": SMALL,
    "one unit": replace(SMALL, units=((4, 6),), strides=(1,)),
    "three units": replace(SMALL, units=((4, 6),) * 3, strides=(4, 2, 1)),
    "one-way": replace(SMALL, connections=1),
    "three channels": replace(SMALL, edit_channels=3),
    "deck": DECK,
    "deck, shared": replace(DECK, shared=True),
    "deck, mixed": replace(DECK, mix="learned"),
    "deck, one-way": replace(DECK, connections=1),
}


def network_of(config: SpatialConfig = SMALL) -> SpatialNetwork:
    torch.manual_seed(0)
    return SpatialNetwork(config)


def sample(
    height: int = 21, width: int = 30, share: float = 0.1, channels: int = 2
) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    half = ((height + 1) // 2, (width + 1) // 2)
    mask = (torch.rand(2, 1, *half, generator=generator) < share).float()
    luma = torch.rand(2, 1, height, width, generator=generator)
    return luma, torch.rand(2, channels, *half, generator=generator) - 0.5, mask


@pytest.mark.parametrize("config", CONFIGURATIONS.values(), ids=CONFIGURATIONS.keys())
def test_gradients_reach_every_parameter_and_hints_keep_their_value(config: SpatialConfig) -> None:
    network = network_of(config)
    luma, hints, mask = sample(channels=config.edit_channels)
    dense = network(luma, hints, mask)
    assert dense.shape == hints.shape
    assert torch.equal(dense * mask, hints * mask)
    network(luma, hints, mask, every_unit=True).square().sum().backward()
    missed = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert not missed


@pytest.mark.parametrize("share", [0.001, 0.1, 0.9, 1.0])
@pytest.mark.parametrize("size", [(1, 1), (2, 5), (33, 18)])
def test_any_size_and_density_gives_finite_values(share: float, size: tuple[int, int]) -> None:
    assert network_of()(*sample(*size, share=share)).isfinite().all()


def test_without_a_hint_the_edit_is_zero() -> None:
    luma, hints, mask = sample()
    mask[0] = 0
    dense = network_of()(luma, hints, mask)
    assert not dense[0].any()
    assert dense[1].any()


def test_values_where_nothing_is_given_do_not_matter() -> None:
    network = network_of()
    luma, hints, mask = sample()
    assert torch.equal(network(luma, hints, mask), network(luma, hints * mask, mask))


def test_a_half_transparent_hint_is_half_kept() -> None:
    luma, hints, mask = sample()
    near, far = (network_of()(luma, hints, weight * mask) for weight in (0.99, 0.5))
    assert ((near - hints) * mask).abs().sum() < ((far - hints) * mask).abs().sum()


def test_before_training_one_hint_reaches_the_whole_frame() -> None:
    luma, hints, mask = sample()
    mask.zero_()[:, :, 5, 7] = 1
    first = network_of()(luma, hints, mask, every_unit=True)[0]
    given = hints[:, :, 5, 7, None, None].expand_as(first)
    assert torch.allclose(first, given, atol=1e-4)


def test_every_unit_ends_with_the_result() -> None:
    network = network_of()
    found = network(*sample(), every_unit=True)
    assert found.shape[0] == 2
    assert torch.equal(found[-1], network(*sample()))


def test_weights_bring_their_configuration(tmp_path: Path) -> None:
    network = network_of(DECK)
    save_weights(tmp_path / "deck.safetensors", network)
    again = load_weights(SpatialNetwork, tmp_path / "deck.safetensors")
    assert again.config == DECK
    assert torch.equal(again(*sample()), network(*sample()))


def test_a_configuration_survives_json() -> None:
    assert SpatialConfig(**json.loads(json.dumps(asdict(DECK)))) == DECK


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"edit_channels": 0}, "needs an edit channel and a unit"),
        ({"units": ()}, "needs an edit channel and a unit"),
        ({"strides": (1,)}, r"strides must be one a unit, 1 or more, not \(1,\)"),
        ({"connections": 2}, "connections must be 1 or 3, not 2"),
        ({"mix": "mean"}, "mix must be 'learned' or 'max', not 'mean'"),
        ({"mix": "max"}, "need lifted > 0"),
        ({"shared": False}, "need lifted > 0"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(SMALL, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("index", "shape", "message"),
    [
        (0, (2, 3, 21, 30), r"luma must be \[N, 1, H, W\], not \[2, 3, 21, 30\]"),
        (1, (2, 2, 21, 30), r"hints must be \[2, 2, 11, 15\], not \[2, 2, 21, 30\]"),
        (2, (2, 2, 11, 15), r"mask must be \[2, 1, 11, 15\], not \[2, 2, 11, 15\]"),
    ],
)
def test_a_shape_that_does_not_fit_is_named(
    index: int, shape: tuple[int, ...], message: str
) -> None:
    inputs = list(sample())
    inputs[index] = torch.rand(shape)
    with pytest.raises(InputError, match=message):
        network_of()(*inputs)


def test_the_shipped_weights_keep_colours_inside_their_contours() -> None:
    luma = torch.full((1, 1, 64, 96), 0.3)
    luma[..., 16:48, 32:64] = 0.6
    luma += 0.02 * torch.randn(luma.shape, generator=torch.Generator().manual_seed(0))
    inside = (luma > 0.45)[..., ::2, ::2]
    truth = torch.where(
        inside, torch.tensor([0.1, -0.1])[:, None, None], torch.tensor([-0.1, 0.15])[:, None, None]
    )
    mask = torch.zeros(1, 1, 32, 48)
    mask[..., 4::8, 4::8] = 1
    with torch.no_grad():
        dense = load_weights(SpatialNetwork, "sparse")(luma, truth * mask, mask)
    assert (dense - truth).abs().mean() < 0.02
