"""`create_video`: frames in, a file or an image sequence out, whole or not at all."""

from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from vidprop.errors import EncodeError, InputError

from ._containers import CONTAINERS
from ._fileoutput import FileOutput, FileTask
from ._pattern import Pattern, input_files, written_pattern
from ._stillsoutput import StillsOutput, StillsTask
from .encoding import Encoding, plan_encoding
from .formats import Frame, PlaneFormat, VideoInfo

_PIXEL_FORMATS_OF_STILLS = {"rgb24": 8, "gray": 8, "rgb48": 16, "rgb48le": 16, "gray16le": 16}
_EIGHT_BIT_STILLS = (".bmp", ".jpeg", ".jpg", ".webp")
_STILLS_WRITTEN = (*_EIGHT_BIT_STILLS, ".exr", ".png", ".tif", ".tiff")


class Output(Protocol):
    """Where frames go."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be taken over as it was."""

    @property
    def pid(self) -> int | None:
        """The process that encodes."""

    def write(self, frame: Frame) -> None:
        """Take a frame."""

    def commit(self) -> None:
        """Let the output appear."""

    def abort(self) -> None:
        """Leave nothing behind."""


class VideoWriter:
    """Takes frames in order; made by `create_video`, used as a context manager.

    The output appears when the block ends without an error; after one nothing is left.

    format: of the frames to be written; `stored` is what the file holds.
    notes: what was not copied from the source as it is, in words.
    """

    def __init__(
        self, output: Output, given: PlaneFormat, stored: PlaneFormat, size: tuple[int, int]
    ) -> None:
        self.format = given
        self.stored = stored
        self._output = output
        self._size = size
        self._last: Frame | None = None
        self._open = True

    @property
    def notes(self) -> tuple[str, ...]:
        """See the class."""
        return self._output.notes

    @property
    def pid(self) -> int | None:
        """The number of the process that encodes, if there is one."""
        return self._output.pid

    def write(self, frame: Frame) -> None:
        """Write the next frame; what is not in the file's format is converted.

        Raises:
            InputError: the frame is not of `format`, or not shown later than the last one.
            EncodeError: it could not be encoded.
        """
        if not self._open:
            raise InputError("frame: the writer is closed")
        _check_planes(frame, self.format, self._size)
        if self._last is not None and frame.time <= self._last.time:
            raise InputError(
                f"frame {frame.index}: its time, {frame.time} s, is not after the one before, "
                f"{self._last.time} s"
            )
        self._output.write(frame)
        self._last = replace(frame, luma=frame.luma[:0], chroma=None, alpha=None)

    def commit(self) -> None:
        """Finish the output; `with` does it.

        Raises:
            EncodeError: it could not be finished, or no frame was written.
        """
        self._open = False
        try:
            if self._last is None:
                raise EncodeError("no frame was written, so there is no output")
            self._output.commit()
        except BaseException:
            self._output.abort()
            raise

    def abort(self) -> None:
        """Give up the output; nothing is left of it."""
        if self._open:
            self._open = False
            self._output.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._open:
            return
        if error is None:
            self.commit()
        else:
            self.abort()


def create_video(
    path: str | Path,
    *,
    like: VideoInfo,
    format: PlaneFormat | None = None,
    size: tuple[int, int] | None = None,
    codec: str | None = None,
    crf: int | None = None,
    pix_fmt: str | None = None,
    preset: str | None = None,
    encoding: Encoding | None = None,
    copy_from: str | Path | None = None,
    overwrite: bool = False,
    first_number: int | None = None,
) -> VideoWriter:
    """Create a video file (mp4, mov, mkv, webm, avi, mxf) or pictures (`out/%05d.png`).

    Rate, times, rotation, pixel aspect and timecode are those of `like`. Pictures are
    PNG or TIFF of 8 bits for frames of 8 bits, else 16; JPEG, WebP, BMP; linear EXR.

    Args:
        like: the clip the frames are made from, or the part of it.
        format: of the frames that will be written, `like`'s unless given. Ask
            `plan_encoding` for the format that needs no conversion.
        size: width and height, if not `like`'s.
        codec, crf, pix_fmt, preset: see `plan_encoding`; `encoding` in their stead.
        copy_from: the file whose sound, subtitles, chapters, attachments and metadata
            are copied, for the part that `like` is.
        overwrite: replace what is there. Of a sequence, only the numbers written.
        first_number: in the name of frame 0's picture; `like`'s, or 0.
    Raises:
        EncodeError: the output cannot be made; nothing was changed.
        InputError: the wishes contradict each other.
    """
    path, given = Path(path), format or like.format
    width_height = size or (like.width, like.height)
    pattern = _still_pattern(path)
    if pattern is not None:
        if codec or crf is not None or encoding or preset:
            raise InputError(f"{path}: pictures have no codec, crf or preset")
        number = first_number if first_number is not None else like.first_number or 0
        depth = _still_depth(pattern, given, pix_fmt)
        task = StillsTask(pattern, like, given, depth, number, overwrite)
        return VideoWriter(StillsOutput(task), given, given, width_height)
    plan = encoding or plan_encoding(
        path,
        given,
        size=width_height,
        source_codec=like.codec,
        codec=codec,
        crf=crf,
        pix_fmt=pix_fmt,
        preset=preset,
    )
    source = None if copy_from is None or _is_stills(Path(copy_from)) else Path(copy_from)
    output = FileOutput(FileTask(path, like, given, plan, width_height, source, overwrite))
    return VideoWriter(output, given, plan.format, width_height)


def _still_pattern(path: Path) -> Pattern | None:
    if path.is_dir() and path.suffix.lower() not in CONTAINERS:
        return Pattern(path, "", 5, ".png")
    pattern = written_pattern(path)
    if pattern is not None and pattern.suffix not in _STILLS_WRITTEN:
        raise EncodeError(f"{path}: pictures are written as {', '.join(_STILLS_WRITTEN)}")
    return pattern


def _still_depth(pattern: Pattern, given: PlaneFormat, pix_fmt: str | None) -> int:
    if pix_fmt is not None:
        if pix_fmt not in _PIXEL_FORMATS_OF_STILLS:
            names = ", ".join(_PIXEL_FORMATS_OF_STILLS)
            raise InputError(f"pixel format: pictures take {names}, got {pix_fmt}")
        return _PIXEL_FORMATS_OF_STILLS[pix_fmt]
    return 8 if given.bit_depth == 8 or pattern.suffix in _EIGHT_BIT_STILLS else 16


def _is_stills(path: Path) -> bool:
    return input_files(path) is not None


def _check_planes(frame: Frame, given: PlaneFormat, size: tuple[int, int]) -> None:
    width, height = size
    _check_plane(frame.luma, (height, width), given, f"frame {frame.index}: luma")
    if given.grey != (frame.chroma is None):
        raise InputError(f"frame {frame.index}: chroma planes do not fit {given}")
    if frame.chroma is not None:
        shape = (2, *given.chroma_size(height, width))
        _check_plane(frame.chroma, shape, given, f"frame {frame.index}: chroma")


def _check_plane(plane: object, shape: tuple[int, ...], given: PlaneFormat, name: str) -> None:
    found = getattr(plane, "shape", None), getattr(plane, "dtype", None)
    if found[0] != shape or found[1] != given.dtype:
        raise InputError(
            f"{name} must be {given.dtype.__name__} {list(shape)}, got {found[1]} {found[0]}"
        )
    if given.bit_depth not in (8, 16) and plane.max() > given.peak:  # type: ignore[attr-defined]
        raise InputError(
            f"{name} has codes above {given.peak}, the largest of {given.bit_depth} bits"
        )
