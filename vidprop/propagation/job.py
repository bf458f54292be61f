"""What a user asks for when a clip is to be coloured."""

from dataclasses import dataclass, field
from pathlib import Path

from vidprop.edits.hintfiles import HintFiles
from vidprop.edits.keyfiles import KeyFile
from vidprop.errors import InputError, KeyFrameError

from .clip import Reading


@dataclass(frozen=True, slots=True)
class Wishes:
    """How the output is to be encoded, as in `create_video`; None leaves it to the container."""

    codec: str | None = None
    crf: int | None = None
    pix_fmt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourJob:
    """One clip, its key frames, and where the result goes.

    hints: points and strokes from which further key frames are made.
    auto_hints: take only so many points of each key frame, to show what hints can do.
    hint_weights: as `weights`, of the network that reads hints.
    size: lines of the guide that networks read; the short side of the clip.
    method: "network", or "flow" for optical flow alone.
    weights: a file; None for those shipped.
    device: "auto", "cpu", "cuda" or "cuda:N".
    start, stop: the excerpt to work on, in frames; key frames keep the numbers of the file.
    reuse_keys: fill a shot without a key frame from the one most like it.
    compare: write grey and coloured side by side.
    reading: how the input is read.
    keep_work: leave finished stretches for a later run with other key frames.
    report: where the report goes; None for none.
    picture: where a picture of some frames before and after goes; None for none.
    """

    input: Path
    output: Path
    keys: tuple[KeyFile, ...] = ()
    hints: HintFiles = field(default_factory=HintFiles)
    auto_hints: int | None = None
    hint_weights: Path | None = None
    size: int = 256
    method: str = "network"
    weights: Path | None = None
    device: str = "auto"
    start: int = 0
    stop: int | None = None
    reuse_keys: bool = False
    compare: bool = False
    reading: Reading = field(default_factory=Reading)
    wishes: Wishes = field(default_factory=Wishes)
    overwrite: bool = False
    keep_work: bool = True
    report: Path | None = None
    picture: Path | None = None

    def __post_init__(self) -> None:
        if not self.keys and not self.hints.frames:
            raise KeyFrameError("key frames: neither pictures nor hints are given")
        if self.start < 0:
            raise InputError(f"start: frames are counted from 0, got {self.start}")
        if self.stop is not None and self.stop <= self.start:
            raise InputError(f"end: must lie after the start, {self.start}, got {self.stop}")
