"""One ffmpeg run that makes a video file."""

import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from vidprop.errors import EncodeError

from ._containers import Container, container_of
from ._copying import Copying, copying
from ._ffmpeg import FFmpeg, has_option
from ._packing import NutPipe, packed, tick_of
from ._probe import start_of
from ._tags import UNKNOWN
from ._whole import check_target, is_same, temporary_beside, writing
from .encoding import Encoding, encoder_arguments
from .formats import Frame, PlaneFormat, VideoInfo


@dataclass(frozen=True, slots=True)
class FileTask:
    """What file is to be made of which frames.

    given: the format of the frames; `encoding.format` is that in the file.
    """

    path: Path
    like: VideoInfo
    given: PlaneFormat
    encoding: Encoding
    size: tuple[int, int]
    copy_from: Path | None
    overwrite: bool


class FileOutput:
    """Makes the file under a temporary name; `commit` gives it its own."""

    def __init__(self, task: FileTask) -> None:
        """Check everything that can be known before the first frame.

        Raises:
            EncodeError: the file cannot be made, or cannot hold what it should.
        """
        self._task = task
        self._container = container_of(task.path)
        sources = (task.like.path, task.copy_from)
        check_target(task.path, overwrite=task.overwrite, sources=sources)
        _check_holds(task, self._container)
        self._constant = not self._container.variable_rate or task.encoding.codec == "mpeg2"
        self._copying = Copying((), ())
        if task.copy_from is not None:
            self._copying = copying(task.copy_from, self._container)
        self._temporary = temporary_beside(task.path)
        self._run: FFmpeg | None = None
        self._pipe: NutPipe | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be taken over as it was."""
        return (*self._copying.notes, *_lost_tags(self._task))

    @property
    def pid(self) -> int | None:
        """The number of the ffmpeg process, once there is one."""
        return None if self._run is None else self._run.pid

    def write(self, frame: Frame) -> None:
        """Encode a frame.

        Raises:
            EncodeError: ffmpeg failed, or the frame lies before the start of the output.
        """
        task = self._task
        time = frame.time - task.like.start_time
        if time < 0:
            raise EncodeError(f"{task.path}: frame {frame.index} lies {-time} s before the start")
        data = packed(frame, task.given, task.encoding.format)
        if self._run is None or self._pipe is None:
            self._run, self._pipe = self._start(time)
        try:
            self._pipe.write(data, time)
        except (OSError, av.FFmpegError) as error:
            raise self._run.failure() from error

    def commit(self) -> None:
        """Finish the file and give it its name.

        Raises:
            EncodeError: ffmpeg failed, or the disk is full.
        """
        assert self._run is not None
        assert self._pipe is not None
        try:
            self._pipe.close()
        except (OSError, av.FFmpegError) as error:
            raise self._run.failure() from error
        self._run.finish()
        self._run = None
        with writing(self._task.path):
            os.replace(self._temporary, self._task.path)

    def abort(self) -> None:
        """Leave nothing behind."""
        if self._run is not None:
            self._run.kill()
            self._run = None
        self._temporary.unlink(missing_ok=True)

    def _start(self, first: Fraction) -> tuple[FFmpeg, NutPipe]:
        task = self._task
        tick = tick_of(task.like, first)
        run = FFmpeg(self._arguments(tick), str(task.path))
        try:
            rate = task.like.frame_rate
            return run, NutPipe(run.stdin, task.encoding.format, task.size, rate, tick)
        except (OSError, av.FFmpegError) as error:
            raise run.failure() from error

    def _arguments(self, tick: Fraction) -> list[str]:
        task, muxer = self._task, self._container.muxer
        return [
            "-y",
            "-noauto_conversion_filters",  # a conversion nobody asked for shall fail instead
            "-copyts",
            *_picture_input(task),
            *_source_input(task),
            *("-map", "0:v:0", *self._copying.arguments),
            *("-vf", _filters(task), "-color_range", _range(task.encoding.format)),
            *(_constant_rate(task.like) if self._constant else _exact_times(tick)),
            *encoder_arguments(task.encoding, muxer),
            *_length(task),
            *_muxer_options(task, muxer),
            *("-f", muxer, f"file:{self._temporary}"),
        ]


def _check_holds(task: FileTask, container: Container) -> None:
    like, path = task.like, task.path
    if like.rotation and not container.rotation:
        raise EncodeError(
            f"{path}: {container.muxer} cannot say that the picture is turned by "
            f"{like.rotation} degrees; write mp4, mov or mkv"
        )
    constant = not container.variable_rate or task.encoding.codec == "mpeg2"
    if like.variable_rate and constant:
        raise EncodeError(
            f"{path}: {container.muxer} with {task.encoding.codec} keeps one constant rate, the "
            "clip's varies; write mp4, mov or mkv with another codec"
        )


def _lost_tags(task: FileTask) -> list[str]:
    stored = task.encoding.format
    if task.path.suffix.lower() != ".avi" or task.encoding.codec != "ffv1" or not stored.full_range:
        return []
    return ["avi with ffv1 cannot say that the samples are full range; players will not know"]


def _picture_input(task: FileTask) -> list[str]:
    arguments = []
    if task.like.rotation:
        arguments += ["-display_rotation", str(task.like.rotation), "-noautorotate"]
    # Newer than our oldest ffmpeg; the encoder's own messages say the same.
    mastering, light = task.encoding.mastering, task.encoding.light
    if mastering is not None and has_option("mastering_display"):
        arguments += ["-mastering_display", mastering.text]
    if light is not None and has_option("content_light"):
        arguments += ["-content_light", light.text]
    return [*arguments, "-f", "nut", "-fpsprobesize", "1", "-i", "pipe:0"]


def _source_input(task: FileTask) -> list[str]:
    if task.copy_from is None:
        return []
    own, start = start_of(task.copy_from), task.like.start_time
    if task.like.path is None or not is_same(task.copy_from, task.like.path):
        # Another file has another clock; its first moment goes with the clip's.
        start = own + (start if task.like.first_frame else 0)
    seek = ["-ss", _seconds(start - own)] if task.like.first_frame else []
    return [*seek, "-itsoffset", _seconds(-start), "-i", f"file:{task.copy_from}"]


def _length(task: FileTask) -> list[str]:
    like = task.like
    # Packets from before the start would delay the picture.
    before = ["-copypriorss:a", "0", "-copypriorss:s", "0"] if like.first_frame else []
    if task.copy_from is None or like.end_time is None:
        return before if task.copy_from is not None else []
    return [*before, "-t", _seconds(like.end_time - like.start_time)]


def _filters(task: FileTask) -> str:
    stored, aspect = task.encoding.format, task.like.sample_aspect
    tags = {
        "range": _range(stored),
        "color_primaries": stored.primaries,
        "color_trc": stored.transfer,
        "colorspace": "gbr" if stored.rgb else stored.matrix,
    }
    if stored.chroma_location != UNKNOWN:
        tags["chroma_location"] = stored.chroma_location
    # These survive encoders that drop -color_primaries and -color_trc.
    setparams = ":".join(f"{name}={value}" for name, value in tags.items())
    sample = f"sar={aspect.numerator}/{aspect.denominator}:max={2**30}"
    return f"setparams={setparams},setsar={sample}"


def _range(stored: PlaneFormat) -> str:
    # As an option, too: without it ffmpeg 9 turns full range to limited for FFV1.
    return "pc" if stored.full_range else "tv"


def _constant_rate(like: VideoInfo) -> list[str]:
    return ["-fps_mode", "cfr", "-r", _ratio(like.frame_rate)]


def _exact_times(tick: Fraction) -> list[str]:
    return ["-fps_mode", "passthrough", "-enc_time_base", _ratio(tick)]


def _muxer_options(task: FileTask, muxer: str) -> list[str]:
    options = ["-movflags", "+faststart"] if muxer in ("mp4", "mov") else []
    if task.like.timecode and muxer in ("mp4", "mov", "mxf") and not task.like.first_frame:
        options += ["-timecode", task.like.timecode]
    return options


def _ratio(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"


def _seconds(value: Fraction) -> str:
    """In whole microseconds, which is what ffmpeg counts in."""
    return f"{round(value * 1_000_000)}us"
