"""The methods that can be compared, by name."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from vidprop.alignment import FlowConfig
from vidprop.errors import InputError
from vidprop.evaluation.baselines import Copy, FlowBlend, FlowForward
from vidprop.evaluation.levin import Levin
from vidprop.evaluation.methods import Method, MethodOptions, SparseMethod
from vidprop.evaluation.ours import ByHints, BySpans
from vidprop.networks.temporal import TemporalNetwork
from vidprop.propagation.densify import Densifier
from vidprop.propagation.span import NetworkPropagator, device_named
from vidprop.weights import load_weights

T = TypeVar("T")
Factory = Callable[[MethodOptions], T]


def _ours(options: MethodOptions) -> Method:
    network = load_weights(TemporalNetwork, options.weights or "colour")
    return BySpans(
        NetworkPropagator(network, device_named(options.device), flow_threads=options.threads)
    )


COLOUR_METHODS: dict[str, Factory[Method]] = {
    "copy": lambda options: Copy(),
    "flow": lambda options: FlowForward(threads=options.threads),
    "flow-medium": lambda options: FlowForward(FlowConfig.medium(), options.threads),
    "flow-both": lambda options: FlowBlend(threads=options.threads),
    "flow-both-medium": lambda options: FlowBlend(FlowConfig.medium(), threads=options.threads),
    "ours": _ours,
    "flow-weighted": lambda options: FlowBlend(weighted=True, threads=options.threads),
}


def _ours_sparse(options: MethodOptions) -> SparseMethod:
    return ByHints(Densifier.from_file(options.weights, options.device))


SPARSE_METHODS: dict[str, Factory[SparseMethod]] = {
    "ours": _ours_sparse,
    "levin": lambda options: Levin(),
    "levin-sharp": lambda options: Levin("sharp"),
    "levin-half": lambda options: Levin("sharp", half=True),
}


def default_colour_methods(sides: str) -> list[str]:
    """The names worth comparing when a method is given one side, or both."""
    flows = ["flow-medium", "flow"] if sides == "one" else ["flow", "flow-both", "flow-weighted"]
    return ["copy", *flows, *(name for name in COLOUR_METHODS if name == "ours")]


def create_methods(
    registry: Mapping[str, Factory[T]], names: Sequence[str], options: MethodOptions
) -> dict[str, T]:
    """The methods of those names, in their order.

    Raises:
        InputError: there is none of a name.
    """
    for name in names:
        if name not in registry:
            raise InputError(f"methods: {name!r} is none of {', '.join(registry)}")
    return {name: registry[name](options) for name in names}
