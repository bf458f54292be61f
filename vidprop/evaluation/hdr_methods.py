"""Ways to get radiance for the frames between HDR key frames, to be compared."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.alignment import Chain, flow_luma, warp
from vidprop.color.transfer import srgb_decode
from vidprop.edits.camera_fit import KeyPair, fit_curve
from vidprop.edits.detail import nearness
from vidprop.edits.hdr import luma_of, to_edit
from vidprop.edits.hdr_detail import KeyRadiance, RadianceCarry
from vidprop.edits.hdr_join import filled
from vidprop.errors import InputError
from vidprop.evaluation.methods import MethodOptions
from vidprop.propagation.contract import Estimate, KeyEdit, SpanPropagator
from vidprop.propagation.flow import FlowPropagator
from vidprop.propagation.hdr_span import RadiancePropagator

Array = NDArray[Any]
_DARKEST = 1e-4


class HdrMethod(Protocol):
    """Finds the radiance of the frames of one span."""

    def fill(self, signals: Sequence[Array], keys: Mapping[int, Array]) -> list[Array]:
        """Stops [H, W, 3] of every frame, in order, those of the key frames included.

        Args:
            signals: R'G'B' [H, W, 3], float32 in 0..1, H and W multiples of 16.
            keys: stops [H, W, 3] of the first frame (0), of the last, or of both.
        """
        ...


class AsSrgb:
    """Takes the picture for sRGB, at the key frame's exposure."""

    def fill(self, signals: Sequence[Array], keys: Mapping[int, Array]) -> list[Array]:
        """See `HdrMethod.fill`."""
        linear = [np.log2(np.maximum(srgb_decode(signal), _DARKEST)) for signal in signals]
        exposure = np.mean([np.median(stops - linear[place]) for place, stops in keys.items()])
        return [stops + np.float32(exposure) for stops in linear]


class CurveAlone:
    """The camera curve found from the key frames, at their exposure, and nothing else."""

    def fill(self, signals: Sequence[Array], keys: Mapping[int, Array]) -> list[Array]:
        """See `HdrMethod.fill`; between two key frames the exposure goes from one to the other."""
        fit = fit_curve([KeyPair(signals[place], stops) for place, stops in sorted(keys.items())])
        shares = np.linspace(0, 1, len(signals), dtype=np.float32)[:, None]
        offsets = fit.offsets[0] + shares * (fit.offsets[-1] - fit.offsets[0])
        return [
            fit.curve.stops(signal) + offset
            for signal, offset in zip(signals, offsets, strict=True)
        ]


class FlowWarp:
    """The key frame's radiance, warped along dense flow from frame to frame.

    Of two key frames' radiance the mean, weighted by nearness in time.
    """

    def fill(self, signals: Sequence[Array], keys: Mapping[int, Array]) -> list[Array]:
        """See `HdrMethod.fill`."""
        lumas = [flow_luma(luma_of(signal)) for signal in signals]
        last = len(signals) - 1
        ways = [
            _warped(lumas, keys[0]) if 0 in keys else None,
            _warped(lumas[::-1], keys[last])[::-1] if last in keys else None,
        ]
        given = [way for way in ways if way is not None]
        if len(given) == 1:
            return given[0]
        shares = np.linspace(0, 1, len(signals), dtype=np.float32)
        return [
            (1 - share) * one + share * other
            for one, other, share in zip(*given, shares, strict=True)
        ]


@dataclass(frozen=True)
class Carried:
    """The package's own way, with any propagator of edits of three channels."""

    propagator: SpanPropagator

    def fill(self, signals: Sequence[Array], keys: Mapping[int, Array]) -> list[Array]:
        """See `HdrMethod.fill`."""
        last = len(signals) - 1
        curve = fit_curve([KeyPair(signals[at], stops) for at, stops in sorted(keys.items())]).curve
        before, after = (_key_edit(keys.get(place)) for place in (0, last))
        estimates = RadiancePropagator(self.propagator, curve).propagate(signals, before, after)
        lumas = [flow_luma(luma_of(signal)) for signal in signals]
        given = {place: KeyRadiance(stops, lumas[place]) for place, stops in keys.items()}
        return [
            filled(estimate.edit, signal, curve, _carries(place, lumas, given, estimate))
            for place, (estimate, signal) in enumerate(zip(estimates, signals, strict=True))
        ]


def _network(options: MethodOptions) -> HdrMethod:
    from vidprop.networks.temporal import TemporalNetwork
    from vidprop.propagation.span import NetworkPropagator, device_named
    from vidprop.weights import load_weights

    network = load_weights(TemporalNetwork, options.weights or "hdr")
    if network.config.edit_channels != 3 or network.config.extra_candidates != 1:
        raise InputError("weights: those of a network for log radiance are needed")
    return Carried(NetworkPropagator(network, device_named(options.device)))


HDR_METHODS: dict[str, Callable[[MethodOptions], HdrMethod]] = {
    "srgb": lambda options: AsSrgb(),
    "curve": lambda options: CurveAlone(),
    "flow": lambda options: FlowWarp(),
    "flow-joined": lambda options: Carried(FlowPropagator()),
    "ours": _network,
}


def _warped(lumas: Sequence[Array], stops: Array) -> list[Array]:
    chain = Chain(lumas[0])
    return [stops, *(warp(stops, chain.advance(luma)) for luma in lumas[1:])]


def _carries(
    place: int, lumas: Sequence[Array], keys: Mapping[int, KeyRadiance], estimate: Estimate
) -> list[RadianceCarry]:
    """What the key frames at both ends bring to a frame; the nearer one has the larger share."""
    ways = ((0, estimate.in_before), (len(lumas) - 1, estimate.in_after))
    return [
        keys[number].carried(lumas[place], positions, nearness(place - number))
        for number, positions in ways
        if number in keys and positions is not None
    ]


def _key_edit(stops: Array | None) -> KeyEdit | None:
    if stops is None:
        return None
    size = (stops.shape[1] // 2, stops.shape[0] // 2)
    return KeyEdit.full(to_edit(cv2.resize(stops, size, interpolation=cv2.INTER_AREA), 0.0))
