"""Hints as files: points in a CSV table, or pictures with a few strokes of colour."""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidprop.color.matrices import MatrixName, rgb_to_ycbcr
from vidprop.errors import InputError

from .colour import PaintedKey
from .hints import Hint, HintMaps, painted_maps, point_maps
from .keyfiles import PICTURE_SUFFIXES, KeyFile, key_files
from .upsampling import reduce_plane

Array = NDArray[Any]

# A stroke on an opaque grey picture is told from it by this much chroma.
_COLOURED = 0.03


@dataclass(frozen=True, slots=True)
class HintFiles:
    """Points, and pictures with strokes, of one clip."""

    points: tuple[Hint, ...] = ()
    pictures: tuple[KeyFile, ...] = ()

    @property
    def frames(self) -> tuple[int, ...]:
        """The frames that have hints, rising."""
        numbers = {hint.frame for hint in self.points}
        return tuple(sorted(numbers | {p.number for p in self.pictures if p.number is not None}))


def hint_files(arguments: Iterable[str | Path]) -> HintFiles:
    """Read CSV tables, and collect pictures as `key_files` does.

    Raises:
        InputError: a table cannot be read, or a picture's name has no frame number.
    """
    given = [str(argument) for argument in arguments]
    tables = [Path(text) for text in given if Path(text).suffix.lower() == ".csv"]
    rest = [text for text in given if Path(text).suffix.lower() != ".csv"]
    pictures = key_files(rest) if rest else ()
    for picture in pictures:
        if picture.number is None:
            raise InputError(f"hints {picture.path}: the name has no frame number; give N=FILE")
    return HintFiles(tuple(hint for table in tables for hint in read_points(table)), pictures)


def read_points(path: Path) -> list[Hint]:
    """A table of hints: frame, x, y and a colour, `#rrggbb` or three numbers of 0..255.

    A first line of words is taken as a heading.

    Raises:
        InputError: the file cannot be read, or a line is not such a hint; names the line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [(place, row) for place, row in enumerate(csv.reader(file), 1) if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"hints {path}: {error}") from error
    if rows and not rows[0][1][0].strip().lstrip("-").isdigit():
        rows = rows[1:]
    hints = [_point(row, f"hints {path}, line {place}") for place, row in rows]
    if not hints:
        raise InputError(f"hints {path}: no hint in it")
    return hints


def point_hints(
    hints: Sequence[Hint], clip: tuple[int, int], working: tuple[int, int], matrix: MatrixName
) -> HintMaps:
    """Points given in pixels of a clip of size `clip` as maps at half the `working` size.

    Raises:
        InputError: a point lies outside the frame.
    """
    for hint in hints:
        if not (0 <= hint.x < clip[1] and 0 <= hint.y < clip[0]):
            raise InputError(f"hint x={hint.x} y={hint.y} is outside the {clip[1]}x{clip[0]} frame")
    places = np.array([(hint.y, hint.x) for hint in hints], np.float64) + 0.5
    positions = (places * np.divide(working, clip)).astype(np.int64)
    chroma = rgb_to_ycbcr(np.array([hint.colour for hint in hints]), matrix)[:, 1:]
    return point_maps(positions, chroma, *working)


def stroke_hints(picture: PaintedKey, working: tuple[int, int]) -> HintMaps:
    """The painted part of a picture: what is opaque or, in an opaque one, what has colour."""
    chroma, coverage = picture.chroma, picture.coverage
    if not picture.partial:
        coverage = (np.abs(chroma).max(0) > _COLOURED).astype(np.float32)
    covered = reduce_plane(coverage, *working)
    planes = [reduce_plane(plane * coverage, *working) for plane in chroma]
    values = np.stack(planes, -1) / np.maximum(covered, 1e-6)[..., None]
    return painted_maps(values, covered)


def is_hint_file(path: Path) -> bool:
    """Whether the name is that of a table or a picture."""
    return path.suffix.lower() in {".csv", *PICTURE_SUFFIXES}


def _point(row: Sequence[str], where: str) -> Hint:
    cells = [cell.strip() for cell in row]
    try:
        frame, x, y = (int(cell) for cell in cells[:3])
        colour = _colour(cells[3:])
    except ValueError:
        raise InputError(f"{where}: not frame, x, y, colour: {','.join(row)!r}") from None
    return Hint(frame, x, y, colour)


def _colour(cells: Sequence[str]) -> tuple[float, float, float]:
    if len(cells) == 1 and re.fullmatch(r"#[0-9a-fA-F]{6}", cells[0]):
        red, green, blue = bytes.fromhex(cells[0][1:])
    else:
        red, green, blue = (int(cell) for cell in cells)
    if not all(0 <= value <= 255 for value in (red, green, blue)):
        raise ValueError(cells)
    return red / 255, green / 255, blue / 255
