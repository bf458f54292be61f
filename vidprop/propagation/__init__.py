"""Carries edits through whole clips, in bounded memory, from file to file or frame by frame."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidprop.video import PlaneFormat

    from .clip import Reading
    from .colorizer import Colorizer, ColouredFrame
    from .contract import Estimate, KeyEdit, SpanPropagator
    from .engine import colorize
    from .hdr_engine import expand
    from .hdr_job import HdrJob, HdrOutcome
    from .job import ColourJob, Wishes
    from .outcome import Outcome
    from .progress import OnProgress, Progress, Stage

_HOMES = {
    "ColouredFrame": ".colorizer",
    "Colorizer": ".colorizer",
    "ColourJob": ".job",
    "Estimate": ".contract",
    "HdrJob": ".hdr_job",
    "HdrOutcome": ".hdr_job",
    "KeyEdit": ".contract",
    "OnProgress": ".progress",
    "Outcome": ".outcome",
    "Progress": ".progress",
    "PlaneFormat": "vidprop.video",
    "SpanPropagator": ".contract",
    "Reading": ".clip",
    "Stage": ".progress",
    "Wishes": ".job",
    "colorize": ".engine",
    "expand": ".hdr_engine",
}

__all__ = [
    "Colorizer",
    "ColourJob",
    "ColouredFrame",
    "Estimate",
    "HdrJob",
    "HdrOutcome",
    "KeyEdit",
    "OnProgress",
    "Outcome",
    "PlaneFormat",
    "Progress",
    "Reading",
    "SpanPropagator",
    "Stage",
    "Wishes",
    "colorize",
    "expand",
]


def __getattr__(name: str) -> Any:
    # Whoever trains or measures a propagator needs no decoder, encoder or shot detector.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
