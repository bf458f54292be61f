"""Where each pixel of a frame was in another frame, and how far that can be trusted."""

from vidprop.alignment._chain import Chain, consecutive_flows
from vidprop.alignment._flow import Flow, FlowConfig, dense_flow, flow_luma
from vidprop.alignment._positions import (
    compose,
    consistency,
    extend,
    flow_positions,
    identity_positions,
    inside,
    luma_residual,
    warp,
)

__all__ = [
    "Chain",
    "Flow",
    "FlowConfig",
    "compose",
    "consecutive_flows",
    "consistency",
    "dense_flow",
    "extend",
    "flow_luma",
    "flow_positions",
    "identity_positions",
    "inside",
    "luma_residual",
    "warp",
]
