"""Painted key frames as files: which there are, and which frame each one is of."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from vidprop.errors import KeyFrameError

PICTURE_SUFFIXES = frozenset(
    {".bmp", ".exr", ".hdr", ".jp2", ".jpeg", ".jpg", ".png", ".tga", ".tif", ".tiff", ".webp"}
)


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A picture of one frame; its number is None until it is found in the clip."""

    path: Path
    number: int | None

    def __str__(self) -> str:
        return self.path.name


def key_files(arguments: Iterable[str | Path]) -> tuple[KeyFile, ...]:
    """Collect key frames from files, folders and N=FILE, in order of their numbers.

    A number is the last run of digits in a file's name: `keys/00012.png` is frame 12,
    counted from 0. Files without a number come last.

    Raises:
        KeyFrameError: nothing is there, or two files claim one frame.
    """
    found = [file for argument in arguments for file in _files(str(argument))]
    if not found:
        raise KeyFrameError("key frames: none given")
    numbered = sorted((f for f in found if f.number is not None), key=_number)
    _check_single(numbered)
    return (*numbered, *(f for f in found if f.number is None))


def number_in(name: str) -> int | None:
    """The last run of digits in a file's name without its suffix."""
    runs = re.findall(r"\d+", Path(name).stem)
    return int(runs[-1]) if runs else None


def _files(argument: str) -> Sequence[KeyFile]:
    explicit = re.fullmatch(r"(\d+)=(.+)", argument)
    if explicit and not Path(argument).exists():
        return [KeyFile(_existing(Path(explicit[2])), int(explicit[1]))]
    path = Path(argument)
    if path.is_dir():
        return _folder(path)
    return [KeyFile(_existing(path), number_in(path.name))]


def _folder(folder: Path) -> Sequence[KeyFile]:
    pictures = sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES)
    if not pictures:
        raise KeyFrameError(f"key frames: no picture in the folder {folder}")
    return [KeyFile(path, number_in(path.name)) for path in pictures]


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise KeyFrameError(f"key frame {path}: no such file")
    return path


def _number(file: KeyFile) -> int:
    assert file.number is not None
    return file.number


def _check_single(numbered: Sequence[KeyFile]) -> None:
    for one, other in pairwise(numbered):
        if one.number == other.number:
            raise KeyFrameError(f"key frame {one.number} is given twice: {one.path}, {other.path}")
