"""What one run works with, made from what the user asked for."""

from dataclasses import dataclass, replace

from vidprop.errors import EncodeError
from vidprop.video import PlaneFormat, VideoInfo, VideoWriter, create_video

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
            raise EncodeError(f"{path}: the file exists already; allow it to be overwritten")


def _writer(job: ColourJob, info: VideoInfo) -> VideoWriter:
    """One that need not convert chroma: it is made at the size that is stored."""
    given = info.format.in_colour((0, 0))
    stored = _create(job, info, given).stored
    if stored.subsampling != given.subsampling:
        given = replace(given, rgb=False, subsampling=stored.subsampling)
    return _create(job, info, given)


def _create(job: ColourJob, info: VideoInfo, given: PlaneFormat) -> VideoWriter:
    return create_video(
        job.output,
        like=info,
        format=given,
        size=(info.width * (2 if job.compare else 1), info.height),
        codec=job.wishes.codec,
        crf=job.wishes.crf,
        pix_fmt=job.wishes.pix_fmt,
        copy_from=job.input,
        overwrite=job.overwrite,
    )
