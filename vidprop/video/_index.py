"""The times of a video's frames, read from its packets without decoding them."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ._container import open_media, reading, video_stream
from ._cut import is_cut

# Beyond this much of a file the index is given up, so that a long film opens at once.
_BYTES_READ = 2 * 2**30


@dataclass(frozen=True, slots=True)
class FrameIndex:
    """When frames are shown, in ticks of the stream's time base, in order of showing.

    complete: the whole file was read, so `times` has every frame there is.
    missing_end: the file says that it is longer than what is there.
    """

    times: Sequence[int]
    keys: Sequence[int]
    complete: bool
    missing_end: bool

    def starting_at(self, time: int | None) -> "FrameIndex":
        """Without what lies before the first frame that can be decoded."""
        if time is None:
            return self
        return replace(self, times=self.times[bisect_left(self.times, time) :])

    def key_before(self, time: int) -> int:
        """The last time at or before `time` from which decoding can start."""
        place = bisect_right(self.keys, time)
        return self.keys[max(place - 1, 0)]


def read_index(path: Path, frames: int | None = None) -> FrameIndex | None:
    """Read the times of at least `frames` frames, or else of the first two gigabytes.

    Returns:
        None if the file has no usable timestamps: raw streams, AVI with B-frames, or
        recordings joined end to end whose clock starts again.
    """
    with open_media(path) as container:
        stream = video_stream(container, path)
        if not _has_times(container, stream):
            return None
        with reading(path):
            index = _scan(container, stream, frames)
    return replace(index, missing_end=True) if index and is_cut(path) else index


def _has_times(container: Any, stream: Any) -> bool:
    # AVI counts packets in decoding order; without reordering that is the time.
    if container.format.name == "avi":
        return bool(stream.codec_context.codec.intra_only)
    return bool(stream.time_base)


def _scan(container: Any, stream: Any, frames: int | None) -> FrameIndex | None:
    times: list[int] = []
    keys: list[int] = []
    packets, read, complete = 0, 0, True
    decoded_at: int | None = None
    for packet in container.demux():
        if packet.size == 0:
            continue
        read += packet.size
        if packet.stream is not stream:
            continue
        packets += 1
        if packet.pts is None or _goes_back(decoded_at, packet.dts):
            return None
        decoded_at = packet.dts
        if not packet.is_discard:
            times.append(packet.pts)
        if packet.is_keyframe:
            keys.append(packet.pts)
        # A frame can be stored at most 16 frames after those shown later.
        if len(times) > frames + 16 if frames is not None else read > _BYTES_READ:
            complete = False
            break
    missing = complete and packets < stream.frames
    return FrameIndex(tuple(sorted(times)), tuple(sorted(keys)), complete, missing)


def _goes_back(before: int | None, now: int | None) -> bool:
    return before is not None and now is not None and now < before
