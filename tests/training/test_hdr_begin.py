"""A network for log radiance begins with what another one has learnt, in the right places."""

from dataclasses import replace

import torch

from vidprop.networks.temporal import TemporalConfig, TemporalNetwork
from vidprop.training.hdr_begin import adapted

SMALL = TemporalConfig(
    encoder=(8, 8), guidance=(8, 8), match_channels=4, context_channels=4, search_channels=4,
    key_radius=1, previous_radius=1, search_radius=1, pointwise=False,
)  # fmt: skip
HDR = replace(SMALL, edit_channels=3, extra_candidates=1, gain=False)


def test_what_fits_is_kept_and_nothing_is_put_in_a_wrong_place() -> None:
    colour, network = TemporalNetwork(SMALL), TemporalNetwork(HDR)
    start = adapted(colour, network)
    old, new = colour.state_dict(), network.state_dict()
    torch.testing.assert_close(start["encoder.enter.weight"], old["encoder.enter.weight"])
    enter, learnt = start["guidance.enter.weight"], old["guidance.enter.weight"]
    # Four of luma, four of context, then candidates: the edit, and three facts of each.
    torch.testing.assert_close(enter[:, :8], learnt[:, :8])
    torch.testing.assert_close(enter[:, 8:11], new["guidance.enter.weight"][:, 8:11])
    torch.testing.assert_close(enter[:, 11:14], learnt[:, 10:13])
    torch.testing.assert_close(enter[:, 17:20], learnt[:, 15:18])
    torch.testing.assert_close(enter[:, -9:], learnt[:, -9:])


def test_outputs_keep_their_meaning() -> None:
    colour, network = TemporalNetwork(SMALL), TemporalNetwork(HDR)
    bias, learnt = torch.arange(29.0), colour.state_dict()
    learnt["guidance.leave.bias"] = bias
    colour.load_state_dict(learnt)
    start = adapted(colour, network)
    mixed = SMALL.candidates
    torch.testing.assert_close(start["guidance.leave.bias"][:mixed], bias[:mixed])
    torch.testing.assert_close(start["guidance.leave.bias"][mixed + 1 :], bias[mixed:-1])


def test_a_network_of_the_same_kind_begins_as_the_other() -> None:
    one, other = TemporalNetwork(HDR), TemporalNetwork(HDR)
    for name, value in adapted(one, other).items():
        torch.testing.assert_close(value, one.state_dict()[name])


def test_a_cheaper_first_layer_gives_and_takes_what_there_is() -> None:
    torch.manual_seed(0)
    cheap = replace(SMALL, pointwise=True)
    one = TemporalNetwork(cheap)
    start = adapted(one, TemporalNetwork(SMALL))
    other = TemporalNetwork(SMALL)
    other.load_state_dict(start)
    known = start["guidance.enter.weight"]
    beside = one.state_dict()["guidance.beside.weight"]
    torch.testing.assert_close(known[:, :4, 1, 1], beside[:, :4, 0, 0])  # of luma
    assert known[:, :4, 0].abs().max() == 0
    back = adapted(other, TemporalNetwork(cheap))
    for name, value in one.state_dict().items():
        torch.testing.assert_close(back[name], value)
