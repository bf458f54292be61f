"""Beginning the network for log radiance with what one for another edit has learnt.

Both look at frames, match and scan alike, but their candidates have other channels and
there is one more of them, so inputs and outputs of the guidance network must change places.
"""

import torch
from torch import Tensor

from vidprop.networks.candidates import FACTS
from vidprop.networks.temporal import TemporalConfig, TemporalNetwork

_ENTER, _LEAVE = "guidance.enter.weight", "guidance.leave"
_FITS = 3  # channels of a candidate after its edit: coverage, luma residual, fit


def adapted(other: TemporalNetwork, network: TemporalNetwork) -> dict[str, Tensor]:
    """Parameters of `network`, which is left as it is, as far as possible those of `other`.

    What the guidance network makes of an edit's own channels, of further candidates and of
    the share of a further candidate in the mix stays as it was drawn.
    """
    old, new = other.state_dict(), network.state_dict()
    fitting = {name: t for name, t in old.items() if name in new and t.shape == new[name].shape}
    start = {name: t.clone() for name, t in {**new, **fitting}.items()}
    inputs = (_inputs(network.config), _inputs(other.config))
    outputs = (_outputs(network.config), _outputs(other.config))
    start[_ENTER] = _moved(new[_ENTER], old[_ENTER], 1, *inputs)
    for name in (f"{_LEAVE}.weight", f"{_LEAVE}.bias"):
        start[name] = _moved(new[name], old[name], 0, *outputs)
    return start


def _moved(new: Tensor, old: Tensor, axis: int, places: list[str], from_: list[str]) -> Tensor:
    """`new` along an axis, with what `old` has of the same name."""
    known = [name for name in places if name in from_]
    into, out = (
        torch.tensor([names.index(name) for name in known], device=new.device)
        for names in (places, from_)
    )
    return new.index_copy(axis, into, old.to(new).index_select(axis, out))


def _inputs(config: TemporalConfig) -> list[str]:
    """A name for every input of the guidance network, in order."""
    names = [f"luma {i}" for i in range(4)]
    names += [f"context {i}" for i in range(config.context_channels)]
    for candidate in _candidates(config):
        names += [f"{candidate} edit {i} of {config.edit_channels}" for i in _edit(config)]
        names += [f"{candidate} fact {i}" for i in range(_FITS)]
    return names + [f"known {i}" for i in range(FACTS * len(config.radii))]


def _outputs(config: TemporalConfig) -> list[str]:
    """A name for every output of the guidance network, in order."""
    names = [f"mix {candidate}" for candidate in _candidates(config)]
    names += ["injection", "confidence"]
    names += [f"step {i}" for i in range(config.carry.outputs(config.edit_channels))]
    return names + ["gain"] * config.gain


def _edit(config: TemporalConfig) -> range:
    return range(config.edit_channels)


def _candidates(config: TemporalConfig) -> list[str]:
    """A name for every candidate, in order."""
    slots = range(len(config.radii))
    found = [f"slot {slot} way {way}" for slot in slots for way in range(config.of_slot(slot))]
    return found + [f"extra {i}" for i in range(config.extra_candidates)]
