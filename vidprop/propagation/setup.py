"""What one run works with, made from what the user asked for."""

from dataclasses import dataclass

from vidprop.errors import EncodeError, InputError

from .clip import Clip
from .job import ColourJob
from .keys import KeyReader
from .methods import Method, method
from .progress import OnProgress


@dataclass(frozen=True, slots=True)
class Setup:
    """A job, its clip and key frame reader, and what carries the edit."""

    job: ColourJob
    clip: Clip
    reader: KeyReader
    carrier: Method
    on_progress: OnProgress


def prepare(job: ColourJob, on_progress: OnProgress) -> Setup:
    """See that the job can be begun.

    Raises:
        VidpropError: the input, the output's place, the network or the device is not there.
    """
    _check_output(job)
    clip = Clip.open(job.input, job.size, job.start, job.stop, job.shrink_to)
    info = clip.info
    reader = KeyReader((info.height, info.width), clip.working, info.matrix_name)
    return Setup(job, clip, reader, method(job.method, job.weights, job.device), on_progress)


def _check_output(job: ColourJob) -> None:
    """Found at once, not when the first frame is ready."""
    if not job.output.exists():
        return
    if job.input.exists() and job.output.samefile(job.input):
        raise InputError(f"output: {job.output} is the input")
    if not job.overwrite:
        raise EncodeError(f"{job.output} is there already; --overwrite replaces it")
