"""The first look at a clip that is to become HDR: shots, and key frames put in their places."""

from collections.abc import Mapping
from contextlib import closing

from vidprop.edits.keyframes import KeyFrames
from vidprop.errors import KeyFrameError

from .ahead import ahead
from .hdr_clip import SignalClip
from .hdr_job import HdrJob
from .hdr_keys import HdrKeyReader
from .keys import Key, placed, searches
from .look import Known
from .progress import Counter, OnProgress
from .survey import Survey, survey


def look(clip: SignalClip, reader: HdrKeyReader, job: HdrJob, on_progress: OnProgress) -> Known:
    """Read the whole clip once.

    Raises:
        KeyFrameError: a key frame is past the end, or lies not within the excerpt.
        DecodeError: the clip breaks off.
    """
    read = [reader.key(file) for file in job.keys]
    sought = searches(read)
    counter = Counter("look", clip.clip.info.frame_count, on_progress)
    with closing(ahead(clip.clip.guides())) as guides:
        wanted = [key.number for key in read if key.number is not None]
        seen = survey(guides, wanted, list(sought.values()), lambda _: counter.add())
    used, unused = _within(placed(read, sought), seen, job)
    schedule = KeyFrames.at(used, seen.stop, (seen.first, *seen.cuts))
    found = {path: search.frame for path, search in sought.items()}
    return Known(seen, dict(sorted(used.items())), found, unused, schedule)


def _within(
    keys: Mapping[int, Key], seen: Survey, job: HdrJob
) -> tuple[dict[int, Key], tuple[int, ...]]:
    """Key frames of the excerpt, and the numbers of the others."""
    frames = range(seen.first, seen.stop)
    if job.stop is None:
        # The end of the excerpt is that of the clip: nothing can lie behind it.
        KeyFrames.at((n for n in keys if n >= frames.start), frames.stop)
    used = {number: key for number, key in keys.items() if number in frames}
    if not used:
        raise KeyFrameError(f"no key frame lies within frames {seen.first} to {seen.stop - 1}")
    return used, tuple(sorted(keys.keys() - used.keys()))
