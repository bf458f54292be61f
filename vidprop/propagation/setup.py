"""What one run works with, made from what the user asked for."""

from dataclasses import dataclass, replace

from vidprop.errors import EncodeError
from vidprop.video import (
    Encoding,
    PlaneFormat,
    VideoInfo,
    VideoWriter,
    create_video,
    plan_encoding,
    written_pattern,
)

from .clip import Clip
from .job import ColourJob
from .join import Joiner
from .keys import KeyReader
from .methods import Method, method
from .progress import OnProgress
from .report import is_report


@dataclass(frozen=True, slots=True)
class Setup:
    """A job, its clip and key frame reader, what carries the edit, and where the result goes.

    writer: nothing is written before its first frame.
    """

    job: ColourJob
    clip: Clip
    reader: KeyReader
    carrier: Method
    joiner: Joiner
    writer: VideoWriter
    on_progress: OnProgress


def prepare(job: ColourJob, on_progress: OnProgress) -> Setup:
    """See that the job can be begun, so that nobody waits an hour for an error.

    Raises:
        VidpropError: the input, the output's place, the network or the device is not there.
    """
    _check_side_outputs(job)
    clip = Clip.open(job.input, job.size, job.start, job.stop, job.reading)
    info = clip.info
    reader = KeyReader((info.height, info.width), clip.working, info.matrix_name)
    writer = _writer(job, info)
    carrier = method(job.method, job.weights, job.device)
    return Setup(job, clip, reader, carrier, Joiner(writer.format), writer, on_progress)


def _check_side_outputs(job: ColourJob) -> None:
    kept = [job.picture]
    if job.report is not None and not is_report(job.report):
        kept.append(job.report)
    for path in kept:
        if path is not None and path.exists() and not job.overwrite:
            raise EncodeError(
                f"{path}: the file exists already; choose another or allow --overwrite"
            )


def _writer(job: ColourJob, info: VideoInfo) -> VideoWriter:
    """One that need not convert chroma: it is made at the size that is stored."""
    given, encoding = info.format.in_colour((0, 0)), None
    size = info.width * (2 if job.compare else 1), info.height
    pictures = job.output.is_dir() or written_pattern(job.output) is not None
    if not pictures:
        encoding = _encoding(job, info, given, size)
        given = replace(given, rgb=False, subsampling=encoding.format.subsampling)
    return create_video(
        job.output,
        like=info,
        format=given,
        size=size,
        codec=job.wishes.codec if pictures else None,
        crf=job.wishes.crf if pictures else None,
        pix_fmt=job.wishes.pix_fmt if pictures else None,
        encoding=encoding,
        copy_from=job.input,
        overwrite=job.overwrite,
    )


def _encoding(
    job: ColourJob, info: VideoInfo, given: PlaneFormat, size: tuple[int, int]
) -> Encoding:
    plan = plan_encoding(
        job.output,
        given,
        size=size,
        source_codec=info.codec,
        codec=job.wishes.codec,
        crf=job.wishes.crf,
        pix_fmt=job.wishes.pix_fmt,
    )
    # Matroska would draw lots for an identifier, and a resumed run write other bytes.
    return replace(plan, options=("-fflags", "+bitexact"))
