"""A clip as propagation reads it: frames in order, and their guides at the working size."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidprop.edits.guide import working_guide
from vidprop.video import Frame, VideoInfo, open_video

from .ahead import ahead
from .plan import digest

Guide = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Clip:
    """A video file, or an excerpt of it.

    start: the number of its first frame in the file; frames keep their numbers.
    stop: one past its last frame; None for the end of the file.
    working: height and width of the guides.
    """

    path: Path
    info: VideoInfo
    working: tuple[int, int]
    start: int = 0
    stop: int | None = None

    def identity(self) -> str:
        """A digest that changes when the file does."""
        path = self.path
        parts = [path] if path.is_file() else sorted(path.parent.glob("*"))
        facts = [(part.name, part.stat().st_size, part.stat().st_mtime_ns) for part in parts]
        return digest(repr(facts))

    def frames(self, start: int | None = None) -> Iterator[Frame]:
        """Frames from `start` on."""
        begin = self.start if start is None else start
        with open_video(self.path, start=begin, end=self.stop) as reader:
            yield from reader

    def guide(self, frame: Frame) -> Guide:
        """The guide of a frame, 8 bits."""
        layout = self.info.format
        return working_guide(frame.luma, layout.bit_depth, layout.full_range, self.working)

    def guides(self, start: int | None = None) -> Iterator[tuple[int, Guide]]:
        """Numbered guides from `start` on."""
        for frame in self.frames(start):
            yield frame.index, self.guide(frame)


class GuideReader:
    """Reads the guides of stretches; stretches in order of time cost one pass in all.

    kept: guides that are at hand already, those of the key frames.
    """

    def __init__(self, clip: Clip, kept: Mapping[int, Guide]) -> None:
        self._clip = clip
        self._kept = kept
        self._next: int | None = None
        self._last: tuple[int, Guide] | None = None
        self._stream: Iterator[tuple[int, Guide]] = iter(())

    def read(self, frames: Sequence[int]) -> list[Guide]:
        """The guides of these frames."""
        return [self._one(frame) for frame in frames]

    def close(self) -> None:
        """Stop reading."""
        if close := getattr(self._stream, "close", None):
            close()

    def _one(self, frame: int) -> Guide:
        if frame in self._kept:
            return self._kept[frame]
        if self._last is not None and self._last[0] == frame:
            return self._last[1]
        # A short way forward is quicker read than sought.
        if self._next is None or not 0 <= frame - self._next < 100:
            self.close()
            self._stream = ahead(self._clip.guides(frame), count=16)
        for number, guide in self._stream:
            self._next = number + 1
            if number == frame:
                self._last = number, guide
                return guide
        raise AssertionError(f"frame {frame} was there at the first look")
