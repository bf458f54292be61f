"""The ways an edit can be carried, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vidprop.errors import InputError

from .contract import SpanPropagator
from .flow import FlowPropagator
from .plan import digest

SHIPPED = "colour"


@dataclass(frozen=True, slots=True)
class Method:
    """A propagator, and a digest of all in it that its results depend on."""

    propagator: SpanPropagator
    identity: str


def method(name: str, weights: Path | None = None, device: str = "auto") -> Method:
    """Make the propagator of that name.

    Raises:
        InputError: there is none.
        WeightsError: its weights cannot be read.
        BackendError: the device is not there.
    """
    if name not in _METHODS:
        raise InputError(f"method: one of {', '.join(_METHODS)}, got {name!r}")
    return _METHODS[name](weights, device)


def _flow(weights: Path | None, device: str) -> Method:
    return Method(FlowPropagator(), "flow 1")


def _network(weights: Path | None, device: str) -> Method:
    # torch and the network's kernels take seconds to load, which optical flow need not wait for.
    from vidprop.networks.temporal import TemporalNetwork
    from vidprop.weights import find_weights, load_weights

    from .span import NetworkPropagator, device_named

    place = device_named(device)
    path = find_weights(weights or SHIPPED)
    propagator = NetworkPropagator(load_weights(TemporalNetwork, path), place)
    return Method(propagator, f"network {digest(path.read_bytes())} {place.type}")


_METHODS: Mapping[str, Callable[[Path | None, str], Method]] = {
    "network": _network,
    "flow": _flow,
}
