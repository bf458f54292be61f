"""Names of image sequences: `%05d.png`, `name.####.exr`, a folder, or one of the files."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vidprop.errors import DecodeError, InputError

SEQUENCE_SUFFIXES = frozenset(
    {".bmp", ".dpx", ".exr", ".jp2", ".jpeg", ".jpg", ".png", ".tga", ".tif", ".tiff", ".webp"}
)
_PLACE = re.compile(r"%0?(?P<digits>\d*)d|(?P<hashes>#+)")
_LAST_DIGITS = re.compile(r"(?P<before>.*?)(?P<digits>\d+)(?P<after>\D*)")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A name with a number in it, at least `digits` long, filled up with zeros."""

    folder: Path
    before: str
    digits: int
    after: str

    def path(self, number: int) -> Path:
        """The file of a number."""
        return self.folder / f"{self.before}{number:0{self.digits}d}{self.after}"

    def existing(self) -> Mapping[int, Path]:
        """The files that are there, by number, in order."""
        name = re.compile(f"{re.escape(self.before)}(\\d{{{self.digits},}}){re.escape(self.after)}")
        if not self.folder.is_dir():
            return {}
        matches = (name.fullmatch(path.name) for path in self.folder.iterdir())
        numbers = sorted(int(match[1]) for match in matches if match)
        return {number: self.path(number) for number in numbers}

    @property
    def suffix(self) -> str:
        """`.png` and the like, in lower case."""
        return Path(self.after).suffix.lower() or Path("x" + self.after).suffix.lower()

    def __str__(self) -> str:
        return str(self.folder / f"{self.before}%0{self.digits}d{self.after}")


def written_pattern(path: Path) -> Pattern | None:
    """The pattern spelled out in a name, or None.

    Raises:
        InputError: there are two places for the number.
    """
    if path.suffix.lower() not in SEQUENCE_SUFFIXES:
        return None
    places = list(_PLACE.finditer(path.name))
    if not places:
        return None
    if len(places) > 1:
        raise InputError(f"{path}: a pattern has one place for the number, not {len(places)}")
    place = places[0]
    digits = len(place["hashes"] or "") or int(place["digits"] or 1)
    return Pattern(path.parent, path.name[: place.start()], digits, path.name[place.end() :])


def input_files(path: Path) -> tuple[int | None, list[Path]] | None:
    """The first number and the files of an image sequence, or None if `path` is a video.

    Raises:
        DecodeError: nothing is there, numbers are missing, or a folder holds several
            sequences.
    """
    pattern = written_pattern(path)
    if pattern is not None and not path.is_file():
        return _numbered(pattern, pattern.existing())
    if path.is_dir():
        return _of_folder(path)
    if path.suffix.lower() not in SEQUENCE_SUFFIXES:
        return None
    if not path.is_file():
        raise DecodeError(f"{path}: no such file")
    return _from_file(path)


def _numbered(pattern: Pattern, files: Mapping[int, Path]) -> tuple[int, list[Path]]:
    if not files:
        raise DecodeError(f"{pattern}: there is no such file")
    numbers = list(files)
    missing = sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers))
    if missing:
        raise DecodeError(
            f"{pattern}: of numbers {numbers[0]} to {numbers[-1]}, {len(missing)} are missing, "
            f"the first is {missing[0]}"
        )
    return numbers[0], list(files.values())


def _of_folder(folder: Path) -> tuple[int, list[Path]]:
    found = {
        pattern
        for path in folder.iterdir()
        if path.suffix.lower() in SEQUENCE_SUFFIXES and not path.name.startswith(".")
        if (pattern := _pattern_of(path))
    }
    kinds = {(pattern.before, pattern.after): pattern for pattern in _widest_first(found)}
    if not kinds:
        raise DecodeError(f"{folder}: no numbered pictures in this folder")
    if len(kinds) > 1:
        names = ", ".join(sorted(str(pattern) for pattern in kinds.values())[:3])
        raise DecodeError(f"{folder}: several sequences in this folder, name one of them: {names}")
    (pattern,) = kinds.values()
    return _numbered(pattern, pattern.existing())


def _widest_first(patterns: set[Pattern]) -> list[Pattern]:
    # Of frame9 and frame10, the narrower one's pattern matches both, so it comes last.
    return sorted(patterns, key=lambda pattern: -pattern.digits)


def _from_file(path: Path) -> tuple[int | None, list[Path]]:
    pattern = _pattern_of(path)
    if pattern is None:
        return None, [path]
    number = int(path.name[len(pattern.before) : len(path.name) - len(pattern.after)])
    files = {n: file for n, file in pattern.existing().items() if n >= number}
    return _numbered(pattern, files or {number: path})


def _pattern_of(path: Path) -> Pattern | None:
    match = _LAST_DIGITS.fullmatch(path.stem)
    if match is None:
        return None
    last = re.search(r"\d+(?=\D*$)", path.stem)
    assert last is not None
    digits = last[0]
    # Without a leading zero the width says nothing: 9.png is followed by 10.png.
    width = len(digits) if digits.startswith("0") and len(digits) > 1 else 1
    after = path.stem[last.end() :] + path.suffix
    return Pattern(path.parent, path.stem[: last.start()], width, after)
