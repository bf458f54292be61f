"""What a user asks for when a clip is to become HDR."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vidprop.color.transfer import SDR_WHITE_NITS
from vidprop.edits.hdr_display import Transfer
from vidprop.edits.keyfiles import KeyFile
from vidprop.errors import InputError, KeyFrameError

from .clip import Reading
from .job import Wishes
from .outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class HdrJob:
    """One clip, its HDR key frames, and where the result goes.

    output: a pattern of EXR files, or a video.
    transfer: of a video, "pq" or "hlg".
    peak_nits, white_nits: of the display a video is made for: its brightest light, and
        its diffuse white, cd/m2.
    white: radiance that is shown as diffuse white; None for what the clip shows as white
        at its first key frame.
    size: lines of the guide that networks read; the short side of the clip.
    method: "network", or "flow" for optical flow alone.
    weights: a file; None for those shipped.
    device: "auto", "cpu", "cuda" or "cuda:N".
    start, stop: the excerpt to work on, in frames; key frames keep the numbers of the file.
    keep_work: leave finished stretches for a later run.
    report: where the report goes; picture: a tone-mapped before and after; None for none.
    """

    input: Path
    output: Path
    keys: tuple[KeyFile, ...]
    transfer: Transfer = "pq"
    peak_nits: float = 1000.0
    white_nits: float = SDR_WHITE_NITS
    white: float | None = None
    size: int = 256
    method: str = "network"
    weights: Path | None = None
    device: str = "auto"
    start: int = 0
    stop: int | None = None
    reading: Reading = field(default_factory=Reading)
    wishes: Wishes = field(default_factory=Wishes)
    overwrite: bool = False
    keep_work: bool = True
    report: Path | None = None
    picture: Path | None = None

    def __post_init__(self) -> None:
        if not self.keys:
            raise KeyFrameError("key frames: none given")
        if self.start < 0:
            raise InputError(f"start: frames are counted from 0, got {self.start}")
        if self.stop is not None and self.stop <= self.start:
            raise InputError(f"end: must lie after the start, {self.start}, got {self.stop}")
        if self.white is not None and not self.white > 0:
            raise InputError(f"white: a radiance above 0 is needed, got {self.white:g}")


@dataclass(frozen=True, slots=True)
class KeyExposure:
    """How one key frame lies to the clip.

    stops: by which it is brighter than the first key frame of its shot, by R, G and B,
        beyond what their frames show.
    error: median deviation from the camera curve, in stops, where that is trusted.
    """

    stops: tuple[float, float, float]
    error: float


@dataclass(frozen=True)
class HdrOutcome(Outcome):
    """What became of a clip, and what was found out on the way.

    exposures: of the key frames, by number.
    white: radiance shown as diffuse white.
    max_cll, max_fall: the brightest pixel and frame of a video, cd/m2, as displayed; 0 for EXR.
    """

    exposures: Mapping[int, KeyExposure] = field(default_factory=dict)
    white: float = 1.0
    max_cll: int = 0
    max_fall: int = 0
