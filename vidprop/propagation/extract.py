"""Writes the frames of a clip that are worth painting as pictures."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from vidprop.errors import EncodeError
from vidprop.video import write_image
from vidprop.video.conversion import to_rgb

from .ahead import ahead
from .clip import Clip
from .progress import Counter, OnProgress, unheard
from .suggest import Suggestion, suggest

# Motion and cuts show at this size.
_SIZE = 128


@dataclass(frozen=True, slots=True)
class Extracted:
    """The pictures written, by frame number, and the frames of each shot."""

    pictures: dict[int, Path]
    shots: tuple[range, ...]


def extract_key_frames(
    clip: Path,
    folder: Path,
    *,
    most: int = 60,
    start: int = 0,
    stop: int | None = None,
    overwrite: bool = False,
    on_progress: OnProgress = unheard,
) -> Extracted:
    """Choose frames worth painting and write them as PNG, their numbers in their names.

    Args:
        folder: made if it is not there.
        most: frames from one key frame to the next, at most.
        start, stop: the excerpt to look at.
    Raises:
        EncodeError: a picture is there already, or cannot be written.
        DecodeError: the clip cannot be read.
    """
    source = Clip.open(clip, _SIZE, start, stop)
    chosen = _chosen(source, most, on_progress)
    names = {n: folder / f"{_stem(clip)}_{n:05d}.png" for n in chosen.frames}
    for path in names.values():
        if path.exists() and not overwrite:
            raise EncodeError(f"{path} is there already; --overwrite replaces it")
    _write(source, names, on_progress)
    return Extracted(names, chosen.shots)


def _chosen(clip: Clip, most: int, on_progress: OnProgress) -> Suggestion:
    counter = Counter("look", clip.info.frame_count, on_progress)
    with closing(ahead(clip.guides())) as guides:
        return suggest(guides, most, lambda _: counter.add())


def _write(clip: Clip, names: dict[int, Path], on_progress: OnProgress) -> None:
    counter = Counter("write", len(names), on_progress)
    layout = clip.info.format
    for path in names.values():
        path.parent.mkdir(parents=True, exist_ok=True)
    for run in _runs(sorted(names)):
        for frame in replace(clip, stop=run[-1] + 1).frames(run[0]):
            if frame.index in names:
                picture = to_rgb(frame, layout, 8 if layout.bit_depth == 8 else 16)
                write_image(names[frame.index], picture)
                counter.add()


def _runs(numbers: Sequence[int], gap: int = 100) -> Iterator[list[int]]:
    """Numbers near each other, which are quicker read in one go."""
    run: list[int] = []
    for number in numbers:
        if run and number - run[-1] > gap:
            yield run
            run = []
        run.append(number)
    if run:
        yield run


def _stem(clip: Path) -> str:
    """The clip's name without what a pattern has in place of the number."""
    return clip.stem.split("%")[0].rstrip("#._-") or "frame"
