"""`open_video`: the frames of a file or an image sequence, one after the other."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from vidprop.errors import DecodeError, InputError

from ._decode import Request, decode
from ._index import FrameIndex, read_index
from ._pattern import input_files
from ._prefetch import Prefetched
from ._probe import Probe, probe
from ._stills import describe, read_stills
from .formats import Frame, VideoInfo

_BYTES_AHEAD = 64 * 2**20


class VideoReader(Iterator[Frame]):
    """Frames in order, decoded in a thread of their own a little ahead; made by `open_video`.

    Close it, or use it as a context manager; it may be closed before its end.
    """

    def __init__(self, info: VideoInfo, frames: Iterator[Frame]) -> None:
        self.info = info
        self._frames = Prefetched(frames, _frames_ahead(info))

    def __next__(self) -> Frame:
        return next(self._frames)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop decoding and let go of the file."""
        self._frames.close()


def open_video(
    path: str | Path,
    *,
    start: int = 0,
    end: int | None = None,
    deinterlace: bool | None = None,
    damaged: Literal["raise", "keep"] = "raise",
    frame_rate: Fraction | None = None,
) -> VideoReader:
    """Open a video file, an image sequence (`%05d.png`, `name.####.exr`, one of its files)
    or a folder of numbered pictures.

    Args:
        start, end: the frames to read, counted from 0, `end` left out.
        deinterlace: what to do with interlaced video: None refuses it, True makes one
            frame of two fields (bwdif), False takes the frames as they are, which is
            right for progressive film that is only marked as interlaced.
        damaged: "raise" a DecodeError at a damaged frame or when the file is cut short;
            "keep" goes on with what the decoder makes of it.
        frame_rate: of an image sequence, 24 unless given.
    Raises:
        DecodeError: nothing readable is there; also from the iteration.
        InputError: the part lies outside the clip.
    """
    path = Path(path)
    files = input_files(path)
    if files is not None:
        return _open_stills(files, start, end, frame_rate)
    probed = probe(path)
    _check_whole(probed, damaged)
    _check_progressive(probed.info, deinterlace)
    index = _long_enough(probed, path, max(start, end or 0))
    info = _part(probed.info, start, end, () if index is None else index.times)
    request = Request(path, probed.info, index, start, end, deinterlace is True, damaged)
    return VideoReader(info, decode(request))


def probe_video(path: str | Path) -> VideoInfo:
    """What a video file or image sequence is, without reading its frames.

    Raises:
        DecodeError: nothing readable is there.
    """
    files = input_files(Path(path))
    return probe(Path(path)).info if files is None else describe(files[1], files[0], None)


def _open_stills(
    files: tuple[int | None, list[Path]], start: int, end: int | None, rate: Fraction | None
) -> VideoReader:
    info = describe(files[1], files[0], rate)
    part = _part(info, start, end, range(len(files[1])))
    return VideoReader(part, read_stills(files[1], info, start, end))


def _part(info: VideoInfo, start: int, end: int | None, times: Sequence[int]) -> VideoInfo:
    _check_part(info, start, end)
    if start == 0 and end is None:
        return info
    last = info.frame_count if end is None else end
    count = None if last is None else last - start
    return replace(
        info,
        first_frame=start,
        frame_count=count,
        start_time=_time_of(start, info, times) if start else info.start_time,
        end_time=None if end is None or end == info.frame_count else _time_of(end, info, times),
        duration=None if count is None else count / info.frame_rate,
    )


def _time_of(number: int, info: VideoInfo, times: Sequence[int]) -> Fraction:
    """When a frame is shown: by its timestamp if the rate varies, else by counting."""
    first = times[0] * info.time_base if times else info.start_time
    if info.variable_rate and number < len(times):
        return Fraction(times[number] * info.time_base)
    return first + number / info.frame_rate


def _long_enough(probed: Probe, path: Path, last: int) -> FrameIndex | None:
    """The index, read on if it was given up before frame `last`."""
    index = probed.index
    if index is None or index.complete or last < len(index.times):
        return index
    longer = read_index(path, last + 1)
    return None if longer is None else longer.starting_at(index.times[0])


def _check_part(info: VideoInfo, start: int, end: int | None) -> None:
    if start < 0 or (end is not None and end <= start):
        raise InputError(f"start, end: 0 <= start < end is needed, got {start} and {end}")
    if info.frame_count is None or not info.frame_count_exact:
        return
    if max(start + 1, end or 0) > info.frame_count:
        raise InputError(
            f"start, end: the clip has {info.frame_count} frames, 0 to {info.frame_count - 1}; "
            f"got {start} and {end}"
        )


def _check_whole(probed: Probe, damaged: str) -> None:
    index = probed.index
    if damaged == "raise" and index is not None and index.missing_end:
        raise DecodeError(
            f"{probed.info.path}: the file is cut short, only {len(index.times)} frames are there; "
            "they can be read with damaged='keep'"
        )


def _check_progressive(info: VideoInfo, deinterlace: bool | None) -> None:
    if info.interlaced and deinterlace is None:
        raise DecodeError(
            f"{info.path}: the video is interlaced; --deinterlace makes frames of "
            "its fields, --progressive takes them as they are"
        )


def _frames_ahead(info: VideoInfo) -> int:
    size = 3 * info.width * info.height * (1 if info.format.bit_depth == 8 else 2)
    return max(1, min(8, _BYTES_AHEAD // size))
