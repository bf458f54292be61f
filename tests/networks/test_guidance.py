import pytest
import torch
from torch import nn

from vidprop.errors import InputError
from vidprop.networks.guidance import GuidanceConfig, GuidanceNetwork, pad_to_multiple


@pytest.mark.parametrize("size", [(1, 1), (7, 13), (16, 24)])
def test_features_have_the_size_of_the_guide(size: tuple[int, int]) -> None:
    network = GuidanceNetwork(GuidanceConfig(3, out_channels=5, channels=(4, 6, 8)))
    assert network(torch.rand(2, 3, *size)).shape == (2, 5, *size)


def test_gradients_reach_every_parameter() -> None:
    network = GuidanceNetwork(GuidanceConfig(2, channels=(4, 6, 8), blocks=2))
    network(torch.rand(1, 2, 8, 8)).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())


def test_a_pixel_is_seen_from_afar_but_not_by_the_finest_level_alone() -> None:
    def reach(channels: tuple[int, ...]) -> int:
        torch.manual_seed(0)  # a few channels may all be silent for a pixel by chance
        network = GuidanceNetwork(GuidanceConfig(1, channels=channels))
        guide = torch.rand(1, 1, 64, 64, requires_grad=True)
        network(guide)[0, 0, 32, 32].backward()
        assert guide.grad is not None
        return int(guide.grad[0, 0].any(0).sum())

    assert reach((8,)) < reach((8, 8, 8))


def test_a_block_begins_near_the_identity() -> None:
    torch.manual_seed(0)
    network = GuidanceNetwork(GuidanceConfig(1, channels=(8,)))
    block = network.down[0]
    assert isinstance(block, nn.Module)
    x = torch.randn(1, 8, 16, 16)
    assert (block(x) - x).std() < 0.5 * x.std()


def test_padding_repeats_the_border() -> None:
    padded = pad_to_multiple(torch.arange(6.0).reshape(1, 1, 2, 3), 4)
    assert padded[0, 0].tolist() == [[0, 1, 2, 2], *[[3, 4, 5, 5]] * 3]


@pytest.mark.parametrize("wrong", [{"channels": ()}, {"blocks": 0}, {"out_channels": 0}])
def test_a_configuration_without_layers_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match="channels and blocks must be 1 or more"):
        GuidanceConfig(3, **wrong)  # type: ignore[arg-type]


def test_a_guide_of_other_channels_is_refused() -> None:
    network = GuidanceNetwork(GuidanceConfig(3, channels=(4,)))
    with pytest.raises(InputError, match=r"guide must be \[N, 3, H, W\], not \[1, 2, 4, 4\]"):
        network(torch.rand(1, 2, 4, 4))
