"""Where HDR frames go: EXR files, or a video by PQ or HLG."""

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np

from vidprop.color.matrices import Primaries, convert_primaries, rgb_to_ycbcr
from vidprop.color.quantisation import quantise_chroma, quantise_luma
from vidprop.edits.hdr_display import DisplayScale
from vidprop.errors import EncodeError
from vidprop.video import (
    ContentLight,
    Frame,
    LightMeter,
    Mastering,
    PlaneFormat,
    VideoInfo,
    VideoWriter,
    create_video,
    plan_encoding,
    write_exr,
)
from vidprop.video._pattern import Pattern, written_pattern
from vidprop.video._whole import writing
from vidprop.video.hdr import HDR10_FORMAT, HLG_FORMAT
from vidprop.video.images import IMAGE_SUFFIXES

from .contract import Array
from .hdr_job import HdrJob

_NO_LIGHT = ContentLight(0, 0)


class HdrOutput(Protocol):
    """Takes frames in order; a context manager, whose output is there whole or not at all.

    twice: all frames must have been made ready before the first is written.
    """

    twice: bool

    def ready(self, frame: Frame, stops: Array) -> Frame:
        """A frame with the stops [H, W, 3] in place of its planes; its light is measured."""

    def write(self, frame: Frame) -> None:
        """Write a frame that was made ready."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be copied from the input as it was."""

    @property
    def light(self) -> ContentLight:
        """The brightest pixel and frame so far; 0 where light is not absolute."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Target:
    """All that outputs are made from.

    scale: of a display, for a video. primaries: those that EXR files shall have.
    """

    job: HdrJob
    info: VideoInfo
    scale: DisplayScale
    primaries: Primaries


def open_output(target: Target) -> HdrOutput:
    """The output a job asks for.

    Raises:
        EncodeError, InputError: it cannot be written in the form asked for.
    """
    path = target.job.output
    pattern = written_pattern(path)
    if pattern is not None and pattern.suffix == ".exr":
        return ExrFiles(target, pattern)
    if path.suffix.lower() == ".exr":
        raise EncodeError(f"{path}: a place for the frame's number is needed, such as %05d.exr")
    if path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES:
        raise EncodeError(f"{path}: HDR pictures are written as .exr")
    return HdrVideo(target)


class ExrFiles:
    """Half floats, linear, with chromaticities; in a hidden folder until all are there."""

    twice = False
    notes: tuple[str, ...] = ()
    light = _NO_LIGHT

    def __init__(self, target: Target, pattern: Pattern) -> None:
        self._target, self._pattern = target, pattern
        existing = pattern.existing()
        if existing and not target.job.overwrite:
            raise EncodeError(
                f"{pattern}: {len(existing)} such pictures exist already, from number "
                f"{next(iter(existing))} on; allow them to be overwritten"
            )
        self._stage = pattern.folder / f".{pattern.before}all{pattern.after}.part"
        self._names: list[Path] = []

    def ready(self, frame: Frame, stops: Array) -> Frame:
        """See `HdrOutput.ready`; luma is linear RGB [H, W, 3] here."""
        light = np.exp2(np.minimum(stops, 40.0))
        scale = self._target.scale
        linear = convert_primaries(light, scale.primaries, self._target.primaries)
        return replace(frame, luma=linear, chroma=None)

    def write(self, frame: Frame) -> None:
        """See `HdrOutput.write`."""
        name = self._pattern.path((self._target.info.first_number or 0) + frame.index).name
        write_exr(self._stage / name, frame.luma, chromaticities=self._target.primaries)
        self._names.append(Path(name))

    def __enter__(self) -> Self:
        with writing(self._pattern.folder):
            shutil.rmtree(self._stage, ignore_errors=True)
            self._stage.mkdir(parents=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            for name in self._names:
                with writing(self._pattern.folder / name):
                    os.replace(self._stage / name, self._pattern.folder / name)
        shutil.rmtree(self._stage, ignore_errors=True)


class HdrVideo:
    """BT.2020 of 10 bits, by PQ or HLG. HEVC by PQ is HDR10, with its light measured first."""

    def __init__(self, target: Target) -> None:
        job = target.job
        self._target = target
        self._format = HDR10_FORMAT if job.transfer == "pq" else HLG_FORMAT
        self._plan = plan_encoding(
            job.output,
            self._format,
            size=(target.info.width, target.info.height),
            codec=job.wishes.codec or _usual_codec(job.output),
            crf=job.wishes.crf,
            pix_fmt=job.wishes.pix_fmt,
        )
        self.twice = job.transfer == "pq" and self._plan.codec == "hevc"
        self._meter = LightMeter()
        _check_depth(self._plan.format)
        self._given = replace(self._plan.format, subsampling=(0, 0))
        # Made now so that nobody waits an hour for an error; nothing is written before a frame.
        self._writer = self._create()

    @property
    def notes(self) -> tuple[str, ...]:
        """See `HdrOutput.notes`."""
        return self._writer.notes

    @property
    def light(self) -> ContentLight:
        """See `HdrOutput.light`."""
        return self._meter.light

    def ready(self, frame: Frame, stops: Array) -> Frame:
        """See `HdrOutput.ready`."""
        scale = self._target.scale
        nits = scale.nits(stops)
        self._meter.add(nits)
        luma, chroma = _planes(scale.signal(nits, self._target.job.transfer), self._given)
        return replace(frame, luma=luma, chroma=chroma, alpha=None)

    def write(self, frame: Frame) -> None:
        """See `HdrOutput.write`."""
        self._writer.write(frame)

    def __enter__(self) -> Self:
        if self.twice:
            nits = self._target.scale.peak_nits
            self._plan = replace(
                self._plan, mastering=Mastering(max_nits=nits), light=self._meter.light
            )
            self._writer = self._create()
        self._writer.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._writer.__exit__(kind, error, traceback)

    def _create(self) -> VideoWriter:
        return create_video(
            self._target.job.output,
            like=self._target.info,
            format=self._given,
            encoding=self._plan,
            copy_from=self._target.job.input,
            overwrite=self._target.job.overwrite,
        )


def _usual_codec(output: Path) -> str | None:
    return "hevc" if output.suffix.lower() in (".mp4", ".mov", ".mkv") else None


def _check_depth(stored: PlaneFormat) -> None:
    if stored.bit_depth < 10:
        raise EncodeError(f"pixel format: HDR needs 10 bits or more, not {stored.bit_depth}")


def _planes(signal: Array, layout: PlaneFormat) -> tuple[Array, Array]:
    ycbcr = rgb_to_ycbcr(np.asarray(signal, np.float32), "bt2020")
    luma = quantise_luma(ycbcr[..., 0], layout.bit_depth, layout.full_range)
    chroma = quantise_chroma(ycbcr[..., 1:], layout.bit_depth, layout.full_range)
    return luma, np.ascontiguousarray(np.moveaxis(chroma, -1, 0))
