"""A clip as propagation reads it: frames in order, and their guides at the working size."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vidprop.edits.guide import working_guide, working_size
from vidprop.edits.upsampling import reduce_plane
from vidprop.video import Frame, VideoInfo, VideoReader, open_video, probe_video

from .ahead import ahead
from .plan import digest

Guide = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a clip is read.

    deinterlace: see `open_video`; None refuses interlaced video.
    keep_damaged: go on where frames are damaged or the file is cut short.
    shrink_to: lines to which frames are reduced; None leaves them.
    """

    deinterlace: bool | None = None
    keep_damaged: bool = False
    shrink_to: int | None = None


@dataclass(frozen=True, slots=True)
class Clip:
    """A video or image sequence, or an excerpt of it.

    Frames of a sequence have the numbers of its files; other clips begin with 0.

    path: what was opened.
    info: of the excerpt, and of its frames as they are given out.
    working: height and width of the guides.
    start: the number of its first frame.
    stop: one past its last frame; None for the end of the file.
    """

    path: Path
    info: VideoInfo
    working: tuple[int, int]
    start: int
    stop: int | None
    reading: Reading

    @classmethod
    def open(
        cls,
        path: Path,
        size: int,
        start: int = 0,
        stop: int | None = None,
        reading: Reading | None = None,
    ) -> "Clip":
        """Look at a clip without reading its frames.

        Args:
            size: lines of the guides.
        Raises:
            DecodeError: it cannot be read.
            InputError: it is smaller than can be worked with, or has no such excerpt.
        """
        whole, how = _with_matrix(probe_video(path)), reading or Reading()
        working = working_size(whole.height, whole.width, size)
        begin = max(start, whole.first_number or 0)
        unread = cls(path, whole, working, begin, stop, how)
        with unread._reader(begin) as reader:
            return replace(unread, info=_shrunk(_with_matrix(reader.info), how.shrink_to))

    @property
    def offset(self) -> int:
        """The number of the first frame of the whole clip."""
        return self.info.first_number or 0

    def identity(self) -> str:
        """A digest that changes when the file does."""
        parts = [self.path] if self.path.is_file() else sorted(self._folder().iterdir())
        facts = [(part.name, part.stat().st_size, part.stat().st_mtime_ns) for part in parts]
        return digest(repr(facts))

    def frames(self, start: int | None = None) -> Generator[Frame, None, None]:
        """Frames from `start` on; close the iterator to stop before the end."""
        with self._reader(self.start if start is None else start) as reader:
            for frame in reader:
                yield self._numbered(frame)

    def guides(self, start: int | None = None) -> Iterator[tuple[int, Guide]]:
        """Numbered 8-bit guides from `start` on."""
        for frame in self.frames(start):
            yield frame.index, self.guide(frame)

    def guide(self, frame: Frame) -> Guide:
        """That of a frame."""
        layout = self.info.format
        return working_guide(frame.luma, layout.bit_depth, layout.full_range, self.working)

    def _reader(self, start: int) -> VideoReader:
        return open_video(
            self.path,
            start=start - self.offset,
            end=None if self.stop is None else self.stop - self.offset,
            deinterlace=self.reading.deinterlace,
            damaged="keep" if self.reading.keep_damaged else "raise",
        )

    def _numbered(self, frame: Frame) -> Frame:
        size = self.info.height, self.info.width
        luma = reduce_plane(frame.luma, *size)
        alpha = None if frame.alpha is None else reduce_plane(frame.alpha, *size)
        return replace(frame, index=frame.index + self.offset, luma=luma, alpha=alpha)

    def _folder(self) -> Path:
        return self.path if self.path.is_dir() else self.path.parent


class Guided(Protocol):
    """What has numbered guides; a `Clip`, for one."""

    def guides(self, start: int | None = None) -> Iterator[tuple[int, NDArray[Any]]]:
        """Guides from `start` on."""
        ...


class GuideReader:
    """Reads the guides of stretches; stretches in order of time cost one pass in all.

    kept: guides that are at hand already, those of the key frames.
    """

    def __init__(self, clip: Guided, kept: Mapping[int, Guide]) -> None:
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
        with suppress(AttributeError):
            self._stream.close()  # type: ignore[attr-defined]

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


def _with_matrix(info: VideoInfo) -> VideoInfo:
    """Grey pictures are often tagged as RGB, which says nothing of the chroma they will get."""
    if info.format.grey and info.format.matrix == "gbr":
        return replace(info, format=replace(info.format, matrix="bt709"))
    return info


def _shrunk(info: VideoInfo, lines: int | None) -> VideoInfo:
    if lines is None or min(info.height, info.width) <= lines:
        return info
    scale = lines / min(info.height, info.width)
    height, width = (max(2, round(side * scale / 2) * 2) for side in (info.height, info.width))
    return replace(info, height=height, width=width)
