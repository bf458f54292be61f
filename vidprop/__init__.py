"""Carries an edit made on a few key frames of a video to every frame.

The names here are loaded when they are first used: importing vidprop does no I/O.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidprop.propagation import Colorizer, ColourJob, colorize

__version__ = "0.1.0"
__all__ = ["Colorizer", "ColourJob", "__version__", "colorize"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("vidprop.propagation"), name)
