"""What every part of an HDR job needs."""

from dataclasses import dataclass

from .hdr_clip import SignalClip
from .hdr_job import HdrJob
from .hdr_keys import HdrKeyReader
from .methods import Method
from .progress import OnProgress


@dataclass(frozen=True, slots=True)
class Setup:
    """A job, its clip, and what reads key frames and carries radiance."""

    job: HdrJob
    clip: SignalClip
    reader: HdrKeyReader
    carrier: Method
    on_progress: OnProgress
