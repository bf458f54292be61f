"""Where each pixel of a frame was in another frame, and how far that can be trusted."""

from vidprop.alignment._chain import Chain, consecutive_flows
from vidprop.alignment._flow import Flow, FlowConfig, dense_flow, flow_luma
from vidprop.alignment._positions import (
    compose,
    consistency,
    enlarged,
    extend,
    flow_positions,
    halved,
    identity_positions,
    inside,
    luma_residual,
    warp,
)
from vidprop.alignment._registration import RegisteredChain, Registration

__all__ = [
    "Chain",
    "Flow",
    "FlowConfig",
    "RegisteredChain",
    "Registration",
    "compose",
    "consecutive_flows",
    "consistency",
    "dense_flow",
    "enlarged",
    "extend",
    "flow_luma",
    "flow_positions",
    "halved",
    "identity_positions",
    "inside",
    "luma_residual",
    "warp",
]
