"""Beginning the network for log radiance with what one for another edit has learnt.

Both look at frames, match and scan alike, but their candidates have other channels and
there is one more of them, so inputs and outputs of the guidance network must change places.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from vidprop.networks.candidates import FACTS
from vidprop.networks.temporal import TemporalConfig, TemporalNetwork

_ENTER, _BESIDE, _LEAVE = "guidance.enter.weight", "guidance.beside.weight", "guidance.leave"


def adapted(other: TemporalNetwork, network: TemporalNetwork) -> dict[str, Tensor]:
    """Parameters of `network`, which is left as it is, as far as possible those of `other`.

    What the guidance network makes of an edit's own channels, of further candidates and of
    the share of a further candidate in the mix stays as it was drawn.
    """
    old, new = other.state_dict(), network.state_dict()
    fitting = {name: t for name, t in old.items() if name in new and t.shape == new[name].shape}
    start = {name: t.clone() for name, t in {**new, **fitting}.items()}
    start |= _entered(network.config, new, _first_layer(other.config, old))
    places, known = _outputs(network.config), _outputs(other.config)
    for name in (f"{_LEAVE}.weight", f"{_LEAVE}.bias"):
        learnt = dict(zip(known, old[name], strict=True))
        rows = [learnt.get(place, row) for place, row in zip(places, new[name], strict=True)]
        start[name] = torch.stack(rows)
    return start


def _first_layer(config: TemporalConfig, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """What the guidance network makes of each of its inputs: [out, 3, 3], by the input's name."""
    around, alone = _inputs(config)
    found = dict(zip(around, state[_ENTER].unbind(1), strict=True))
    if alone:
        middles = F.pad(state[_BESIDE], (1, 1, 1, 1)).unbind(1)
        found |= dict(zip(alone, middles, strict=True))
    return found


def _entered(
    config: TemporalConfig, state: dict[str, Tensor], known: dict[str, Tensor]
) -> dict[str, Tensor]:
    """The parameters of the first layer: as in `state`, but for inputs that are known."""
    around, alone = _inputs(config)
    drawn = _first_layer(config, state)
    entered = {_ENTER: torch.stack([known.get(name, drawn[name]) for name in around], 1)}
    if alone:
        beside = [known.get(name, drawn[name])[:, 1:2, 1:2] for name in alone]
        entered[_BESIDE] = torch.stack(beside, 1)
    return entered


def _inputs(config: TemporalConfig) -> tuple[list[str], list[str]]:
    """Names of the inputs seen with their surroundings, and of those seen alone, in order."""
    candidates = _candidates(config)
    luma = [f"luma {i}" for i in range(4)]
    context = [f"context {i}" for i in range(config.context_channels)]
    edits = {one: [f"{one} edit {i} of {config.edit_channels}" for i in _edit(config)]
             for one in candidates}  # fmt: skip
    coverages, residuals, fits = (
        [f"{one} {fact}" for one in candidates] for fact in ("coverage", "residual", "fit")
    )
    known = [f"known {i}" for i in range(FACTS * len(config.radii))]
    if config.pointwise:
        every = [name for names in edits.values() for name in names]
        return [*context, *every, *residuals], [*luma, *coverages, *fits, *known]
    each = zip(edits.values(), coverages, residuals, fits, strict=True)
    return [*luma, *context, *(name for names, *facts in each for name in (*names, *facts)),
            *known], []  # fmt: skip


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
