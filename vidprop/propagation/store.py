"""Finished stretches on disk, so that an interrupted run goes on where it stopped."""

import json
import math
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

from vidprop.alignment import identity_positions
from vidprop.errors import EncodeError

from .contract import Array, Carried, Trace

WORK_FOLDER = ".vidprop"
# Codes an edit or a move is stored in go from minus this to this.
_LARGEST = 32767


@dataclass(frozen=True, slots=True)
class Stretch:
    """The stored results of one task.

    confidence: [N], the mean of each frame.
    """

    confidence: Array
    _frames: Sequence[bytes]
    _shape: tuple[int, ...]
    _steps: tuple[float, float]
    _traced: tuple[int, ...]

    def at(self, index: int) -> Carried:
        """What came to a frame, as it was stored."""
        differences = np.frombuffer(zlib.decompress(self._frames[index]), np.int16)
        rows = np.cumsum(differences.reshape(self._shape), axis=-1, dtype=np.int16)
        codes = np.cumsum(rows, axis=-2, dtype=np.int16)
        return _carried(codes, self._steps, float(self.confidence[index]), self._traced)


class Store:
    """Stretches by name, in one folder.

    Edits are rounded to multiples of `step`, within 32767 of them, positions to a fraction of a
    pixel (1/32 for sizes up to 1023 pixels; 1/16 would cost 0.03 dB), and compressed.
    A file is written under another name and then renamed: what is there is complete.
    """

    def __init__(self, folder: Path, step: float) -> None:
        self.folder = folder
        self._step = step

    def __contains__(self, name: str) -> bool:
        """Whether a stretch is there and can be read."""
        return self.load(name) is not None

    def rounded(self, carried: Carried) -> Carried:
        """What came to a frame, as it comes back when it was stored."""
        trust = float(np.float32(carried.trust))
        steps = self._steps(carried)
        return _carried(_codes(carried, steps), steps, trust, _traced(carried))

    def save(self, name: str, frames: Iterable[Carried]) -> None:
        """Store what came to frames, as it comes; all of them trace the same key frames.

        Raises:
            EncodeError: the disk is full or may not be written.
        """
        packed, confidence = [], []
        shape: tuple[int, ...] = (0,)
        steps = self._step, 1.0
        traced: tuple[int, ...] = ()
        for carried in frames:
            steps = self._steps(carried)
            codes = _codes(carried, steps)
            rows = np.diff(codes, axis=-2, prepend=np.int16(0))
            differences = np.diff(rows, axis=-1, prepend=np.int16(0))
            packed.append(zlib.compress(differences.tobytes(), 1))
            confidence.append(carried.trust)
            shape, traced = codes.shape, _traced(carried)
        with writing(self._path(name)) as temporary, temporary.open("wb") as file:
            np.savez(
                file,
                data=np.frombuffer(b"".join(packed), np.uint8),
                sizes=np.array([len(frame) for frame in packed]),
                confidence=np.array(confidence, np.float32),
                shape=np.array(shape),
                steps=np.array(steps),
                traced=np.array(traced, np.int64),
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

    def _steps(self, carried: Carried) -> tuple[float, float]:
        """What edits are rounded to, and moves: one over the whole frame must have a code."""
        largest = max(carried.edit.shape[1:]) / _LARGEST
        return self._step, max(1 / 32, 2.0 ** math.ceil(math.log2(largest)))

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


def _traced(carried: Carried) -> tuple[int, ...]:
    """The key frames that are traced."""
    return tuple(trace.number for trace in carried.traces if trace.positions is not None)


def _codes(carried: Carried, steps: tuple[float, float]) -> NDArray[np.int16]:
    """[C + 2 T, h, w]: the edit, and how far each pixel moved to each key frame that is traced."""
    planes = [carried.edit / np.float32(steps[0])]
    here = identity_positions(*carried.edit.shape[1:])
    for trace in carried.traces:
        if trace.positions is not None:
            planes.append((trace.positions - here).transpose(2, 0, 1) / np.float32(steps[1]))
    rounded = np.rint(np.concatenate(planes))
    return np.clip(rounded, -_LARGEST, _LARGEST).astype(np.int16)


def _carried(
    codes: NDArray[np.int16], steps: tuple[float, float], trust: float, traced: tuple[int, ...]
) -> Carried:
    channels = len(codes) - 2 * len(traced)
    edit = codes[:channels].astype(np.float32) * np.float32(steps[0])
    here = identity_positions(*codes.shape[1:])
    moves = codes[channels:].astype(np.float32) * np.float32(steps[1])
    traces = [
        Trace(number, here + moves[2 * i : 2 * i + 2].transpose(1, 2, 0))
        for i, number in enumerate(traced)
    ]
    return Carried(edit, trust, tuple(traces))


def _stretch(parts: Mapping[str, NDArray[np.generic]]) -> Stretch:
    data, ends = parts["data"].tobytes(), np.cumsum(parts["sizes"])
    starts = [0, *ends[:-1].tolist()]
    frames = [data[start:end] for start, end in zip(starts, ends.tolist(), strict=True)]
    shape = tuple(int(side) for side in parts["shape"])
    confidence, traced = parts["confidence"].astype(np.float32), parts["traced"]
    numbers = tuple(int(number) for number in traced)
    edit, move = (float(step) for step in parts["steps"])
    return Stretch(confidence, frames, shape, (edit, move), numbers)
