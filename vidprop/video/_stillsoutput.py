"""An image sequence being made: every picture in a hidden folder until all are there."""

import os
import shutil
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidprop.color.matrices import BT709
from vidprop.color.transfer import bt1886_decode, srgb_decode
from vidprop.errors import EncodeError

from . import _half
from ._pattern import Pattern
from ._whole import is_same, writing
from .conversion import convert, to_rgb
from .exr import write_exr
from .formats import Frame, Plane, PlaneFormat, VideoInfo
from .images import encoded_image

_WORKERS = 2
_IN_FLIGHT = 4
_OPAQUE = (".bmp", ".jpeg", ".jpg")


@dataclass(frozen=True, slots=True)
class StillsTask:
    """Which pictures are to be made of which frames.

    number_of_zero: the number in the name of the clip's frame 0.
    bit_depth: of PNG and TIFF; other formats have their own.
    """

    pattern: Pattern
    like: VideoInfo
    given: PlaneFormat
    bit_depth: int
    number_of_zero: int
    overwrite: bool


class StillsOutput:
    """Encodes pictures on some threads; `commit` moves them to their places."""

    notes: tuple[str, ...] = ()
    pid: int | None = None

    def __init__(self, task: StillsTask) -> None:
        """Check the names and make the folder.

        Raises:
            EncodeError: pictures are there already, they are the source's, or the folder
                cannot be made.
        """
        self._task = task
        _check_free(task)
        self._stage = task.pattern.folder / f".{task.pattern.before}all{task.pattern.after}.part"
        self._made_folder = not task.pattern.folder.exists()
        self._make_folders()
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="vidprop-encode")
        self._pending: deque[Future[None]] = deque()
        self._names: list[Path] = []

    def write(self, frame: Frame) -> None:
        """Encode a frame; errors of the ones before come out here.

        Raises:
            EncodeError: a picture could not be written.
        """
        while len(self._pending) >= _IN_FLIGHT:
            self._pending.popleft().result()
        target = self._task.pattern.path(self._task.number_of_zero + frame.index)
        self._names.append(target)
        self._pending.append(self._pool.submit(self._write, frame, self._stage / target.name))

    def commit(self) -> None:
        """Wait for all pictures and move them to their places.

        Raises:
            EncodeError: a picture could not be written.
        """
        while self._pending:
            self._pending.popleft().result()
        self._pool.shutdown()
        for name in self._names:
            with writing(name):
                os.replace(self._stage / name.name, name)
        self._stage.rmdir()

    def abort(self) -> None:
        """Leave nothing behind."""
        self._pool.shutdown(cancel_futures=True)
        shutil.rmtree(self._stage, ignore_errors=True)
        if self._made_folder and self._task.pattern.folder.is_dir():
            with suppress(OSError):  # somebody else's files are in it by now
                self._task.pattern.folder.rmdir()

    def _make_folders(self) -> None:
        with writing(self._task.pattern.folder):
            shutil.rmtree(self._stage, ignore_errors=True)
            self._stage.mkdir(parents=True)

    def _write(self, frame: Frame, path: Path) -> None:
        task = self._task
        if path.suffix.lower() == ".exr":
            write_exr(path, _linear(frame, task.given), chromaticities=BT709)
            return
        data = encoded_image(
            path.suffix, _codes(frame, task.given, path.suffix.lower(), task.bit_depth)
        )
        with writing(task.pattern.path(task.number_of_zero + frame.index)):
            path.write_bytes(data)


def _check_free(task: StillsTask) -> None:
    pattern, existing = task.pattern, task.pattern.existing()
    source = task.like.path
    if source is not None and any(is_same(path, source) for path in existing.values()):
        raise EncodeError(f"{pattern}: the output is the input itself; give it another name")
    if existing and not task.overwrite:
        raise EncodeError(
            f"{pattern}: {len(existing)} such pictures exist already, from number "
            f"{next(iter(existing))} on; allow them to be overwritten"
        )


def _codes(frame: Frame, given: PlaneFormat, suffix: str, bit_depth: int) -> Plane:
    if frame.alpha is not None and suffix not in _OPAQUE:
        opacity = replace(frame, luma=frame.alpha, chroma=None)
        full = replace(given, full_range=True)
        return np.dstack([to_rgb(frame, given, bit_depth), _luma_codes(opacity, full, bit_depth)])
    if frame.chroma is None:
        return _luma_codes(frame, given, bit_depth)
    return to_rgb(frame, given, bit_depth)


def _luma_codes(frame: Frame, given: PlaneFormat, bit_depth: int) -> Plane:
    """Luma alone, 0 black and 2**bit_depth - 1 white."""
    grey = PlaneFormat(bit_depth, grey=True, full_range=True)
    return convert(frame, given, grey).luma


def _linear(frame: Frame, given: PlaneFormat) -> NDArray[np.floating]:
    """Scene-linear light of half codes; of video what its display shows, white as 1."""
    codes = to_rgb(frame, given, 16) if frame.chroma is not None else frame.luma
    if given.transfer == _half.TRANSFER:
        return _half.from_codes(codes)
    if frame.chroma is None:
        codes = _luma_codes(frame, given, 16)
    signal = codes.astype(np.float32) / np.float32(65535)
    is_srgb = given.rgb or given.transfer == "iec61966-2-1"
    linear: NDArray[np.floating] = srgb_decode(signal) if is_srgb else bt1886_decode(signal, 1.0)
    return linear
