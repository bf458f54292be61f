"""Finished stretches on disk, so that an interrupted run goes on where it stopped."""

import json
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from vidprop.errors import EncodeError

from .contract import Array

WORK_FOLDER = ".vidprop"


@dataclass(frozen=True, slots=True)
class Stretch:
    """The stored results of one task.

    confidence: [N], the mean of each frame.
    """

    confidence: Array
    _frames: Sequence[bytes]
    _shape: tuple[int, ...]
    _step: float

    def edit(self, index: int) -> Array:
        """The edit [C, h, w] of a frame, as it was stored."""
        differences = np.frombuffer(zlib.decompress(self._frames[index]), np.int16)
        codes = np.cumsum(differences.reshape(self._shape), axis=-1, dtype=np.int16)
        return codes.astype(np.float32) * np.float32(self._step)


class Store:
    """Stretches by name, in one folder.

    Edits are rounded to multiples of `step`, within 32767 of them, and compressed.
    A file is written under another name and then renamed: what is there is complete.
    """

    def __init__(self, folder: Path, step: float) -> None:
        self.folder = folder
        self._step = step

    def __contains__(self, name: str) -> bool:
        """Whether a stretch is there and can be read."""
        return self.load(name) is not None

    def rounded(self, edit: Array) -> Array:
        """The edit as it comes back when it was stored."""
        return _codes(edit, self._step).astype(np.float32) * np.float32(self._step)

    def save(self, name: str, edits: Iterable[tuple[Array, float]]) -> None:
        """Store edits [C, h, w], each with its confidence, as they come.

        Raises:
            EncodeError: the disk is full or may not be written.
        """
        frames, confidence, shape = [], [], (0,)
        for edit, trust in edits:
            frames.append(_packed(edit, self._step))
            confidence.append(trust)
            shape = edit.shape
        with writing(self._path(name)) as temporary, temporary.open("wb") as file:
            np.savez(
                file,
                data=np.frombuffer(b"".join(frames), np.uint8),
                sizes=np.array([len(frame) for frame in frames]),
                confidence=np.array(confidence, np.float32),
                shape=np.array(shape),
                step=np.array(self._step),
            )

    def load(self, name: str) -> Stretch | None:
        """A stored stretch; None, and away with it, if it is damaged."""
        path = self._path(name)
        try:
            # NumPy would leave a damaged file open.
            with path.open("rb") as file, np.load(file) as parts:
                return _stretch({key: parts[key] for key in parts.files})
        except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error):
            path.unlink(missing_ok=True)
            return None

    def keep_only(self, names: Iterable[str]) -> None:
        """Remove every stretch but these, and what killed runs left half-written."""
        wanted = {self._path(name) for name in names}
        there = {*self.folder.glob("*.npz"), *self.folder.glob("*.tmp")}
        for path in there - wanted:
            path.unlink(missing_ok=True)

    def write_manifest(self, facts: Mapping[str, object]) -> None:
        """Say for whom the folder is: for people, nothing is read from it."""
        with writing(self.folder / "manifest.json") as temporary:
            temporary.write_text(json.dumps(facts, indent=2, default=str) + "\n")

    def settle(self, names: Iterable[str] | None) -> tuple[Path, int] | None:
        """Keep only these stretches; the folder and its bytes. None removes all of it."""
        if names is None:
            self.remove()
            return None
        self.keep_only(names)
        return self.folder, self.size()

    def size(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self.folder.iterdir())

    def remove(self) -> None:
        """Remove the folder, and the one that held it if nothing else is in there."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):
            self.folder.parent.rmdir()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npz"


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its name at the end, or goes away.

    Raises:
        EncodeError: the disk is full or may not be written.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise EncodeError(f"{path}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def work_folder(output: Path) -> Path:
    """Where the work for an output is kept: in a folder `.vidprop` beside it."""
    return output.parent / WORK_FOLDER / output.name.replace("%", "")


def _codes(edit: Array, step: float) -> NDArray[np.int16]:
    return np.clip(np.rint(edit / np.float32(step)), -32767, 32767).astype(np.int16)


def _packed(edit: Array, step: float) -> bytes:
    differences = np.diff(_codes(edit, step), axis=-1, prepend=np.int16(0))
    return zlib.compress(differences.tobytes(), 1)


def _stretch(parts: Mapping[str, NDArray[np.generic]]) -> Stretch:
    data, ends = parts["data"].tobytes(), np.cumsum(parts["sizes"])
    starts = [0, *ends[:-1].tolist()]
    frames = [data[start:end] for start, end in zip(starts, ends.tolist(), strict=True)]
    shape = tuple(int(side) for side in parts["shape"])
    return Stretch(parts["confidence"].astype(np.float32), frames, shape, float(parts["step"]))
