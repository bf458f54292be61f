"""The first look at a clip: shots, and key frames put in their places."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from vidprop.edits.guide import unit_guide
from vidprop.edits.hintfiles import point_hints, stroke_hints
from vidprop.edits.hints import HintMaps
from vidprop.edits.keyframes import KeyFrames
from vidprop.errors import KeyFrameError

from .ahead import ahead
from .keys import Key, check_likeness, hinted_key, placed, searches
from .progress import Counter
from .setup import Setup
from .survey import Survey, survey


@dataclass(frozen=True)
class Known:
    """What is known of a clip before its edit is carried.

    keys: by number, those that are used.
    found: where pictures without a number were found.
    unused: key frames outside the excerpt.
    """

    survey: Survey
    keys: Mapping[int, Key]
    found: Mapping[Path, int]
    unused: tuple[int, ...]
    schedule: KeyFrames

    @property
    def frames(self) -> range:
        """The frames of the excerpt."""
        return range(self.survey.first, self.survey.stop)

    @property
    def shots(self) -> tuple[range, ...]:
        """The frames of each shot."""
        return tuple(shot for shot in self.schedule.shots() if shot.start >= self.survey.first)

    @property
    def keyless(self) -> tuple[range, ...]:
        """The shots without a key frame."""
        return tuple(shot for shot in self.shots if not any(n in shot for n in self.keys))


def look(setup: Setup) -> Known:
    """Read the whole clip once.

    Raises:
        KeyFrameError: a key frame is past the end, not of this clip, or there is none.
        DecodeError: the clip breaks off.
    """
    painted = [setup.reader.key(file) for file in setup.job.keys]
    sought = searches(painted)
    wanted = [key.number for key in painted if key.number is not None]
    wanted += setup.job.hints.frames
    counter = Counter("look", setup.clip.info.frame_count, setup.on_progress)
    with closing(ahead(setup.clip.guides())) as guides:
        seen = survey(guides, wanted, list(sought.values()), lambda _: counter.add())
    keys = placed(painted, sought)
    used, unused = _within(keys, seen, setup)
    check_likeness(used, seen)
    used |= _hinted(setup, seen, used)
    schedule = KeyFrames.at(used, seen.stop, (seen.first, *seen.cuts))
    found = {path: search.frame for path, search in sought.items()}
    return Known(seen, dict(sorted(used.items())), found, unused, schedule)


def _within(
    keys: Mapping[int, Key], seen: Survey, setup: Setup
) -> tuple[dict[int, Key], tuple[int, ...]]:
    """Key frames of the excerpt, and the numbers of the others."""
    frames = range(seen.first, seen.stop)
    numbers = [*keys, *setup.job.hints.frames]
    for number in keys.keys() & set(setup.job.hints.frames):
        raise KeyFrameError(f"key frame {number}: both a picture and hints are given")
    if setup.job.stop is None:
        # The end of the excerpt is that of the clip: nothing can lie behind it.
        KeyFrames.at((n for n in numbers if n >= frames.start), frames.stop)
    if not any(n in frames for n in numbers):
        given = ", ".join(str(n) for n in sorted(numbers)[:9])
        raise KeyFrameError(
            f"no key frame lies within frames {seen.first} to {seen.stop - 1}, only at {given}: "
            "an excerpt must hold at least one"
        )
    used = {n: key for n, key in keys.items() if n in frames}
    return used, tuple(sorted(n for n in numbers if n not in frames))


def _hinted(setup: Setup, seen: Survey, painted: Mapping[int, Key]) -> dict[int, Key]:
    """Key frames that the spatial network makes from hints."""
    maps = dict(_hints(setup, seen, painted))
    if not maps:
        return {}
    # Only who gives hints needs that network.
    from .densify import Densifier

    densify = Densifier.from_file(setup.job.hint_weights, setup.job.device)
    return {
        n: hinted_key(densify(unit_guide(seen.guides[n]), hints), n) for n, hints in maps.items()
    }


def _hints(
    setup: Setup, seen: Survey, painted: Mapping[int, Key]
) -> Iterator[tuple[int, HintMaps]]:
    job, reader = setup.job, setup.reader
    points = [hint for hint in job.hints.points if hint.frame in seen.guides]
    for number in sorted({hint.frame for hint in points}):
        given = [hint for hint in points if hint.frame == number]
        yield number, point_hints(given, reader.size, reader.working, reader.matrix)
    for file in job.hints.pictures:
        if file.number is not None and file.number in seen.guides:
            yield file.number, stroke_hints(reader.painted(file.path), reader.working)
    if job.auto_hints:
        from .densify import sampled_hints

        for number, key in painted.items():
            yield number, sampled_hints(seen.guides[number], key.edit.edit, job.auto_hints)
