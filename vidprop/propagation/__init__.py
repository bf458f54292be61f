"""Carries edits through whole clips, in bounded memory, from file to file or frame by frame."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidprop.video import PlaneFormat

    from .colorizer import Colorizer, ColouredFrame
    from .contract import Estimate, KeyEdit, SpanPropagator
    from .engine import colorize
    from .job import ColourJob, Encoding
    from .outcome import Outcome
    from .progress import OnProgress, Progress, Stage

_HOMES = {
    "ColouredFrame": ".colorizer",
    "Colorizer": ".colorizer",
    "ColourJob": ".job",
    "Encoding": ".job",
    "Estimate": ".contract",
    "KeyEdit": ".contract",
    "OnProgress": ".progress",
    "Outcome": ".outcome",
    "Progress": ".progress",
    "PlaneFormat": "vidprop.video",
    "SpanPropagator": ".contract",
    "Stage": ".progress",
    "colorize": ".engine",
}

__all__ = [
    "Colorizer",
    "ColourJob",
    "ColouredFrame",
    "Encoding",
    "Estimate",
    "KeyEdit",
    "OnProgress",
    "Outcome",
    "PlaneFormat",
    "Progress",
    "SpanPropagator",
    "Stage",
    "colorize",
]


def __getattr__(name: str) -> Any:
    # Whoever trains or measures a propagator needs no decoder, encoder or shot detector.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
