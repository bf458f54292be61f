"""One clip from file to file: HDR key frames in, an HDR clip out."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vidprop import __version__
from vidprop.edits.hdr_display import DisplayScale
from vidprop.errors import WeightsError
from vidprop.video import write_image

from .clip import Clip, GuideReader
from .contract import Array
from .hdr_clip import SignalClip
from .hdr_gallery import HdrGallery
from .hdr_job import HdrJob, HdrOutcome, KeyExposure
from .hdr_keys import Curves, HdrKeyReader, fit_curves, read_radiance
from .hdr_look import look
from .hdr_output import HdrOutput, Target, open_output
from .hdr_setup import Setup
from .hdr_span import RadiancePropagator
from .hdr_writing import Filler, write
from .look import Known
from .methods import Method, method
from .plan import Plan, Planner, Task, digest
from .progress import Counter, OnProgress, unheard
from .report import write_report
from .results import Results
from .store import Store, work_folder
from .stretches import Given, Worker, at_work

SHIPPED = "hdr"
_STEP = 2**-11  # of eight stops: finer than any code
# A guide of three channels of halves is six times as large as one of luma.
_STRETCH_BYTES = 120 * 256 * 448
_LONGEST_STRETCH, _SHORTEST_STRETCH = 120, 24


def expand(job: HdrJob, on_progress: OnProgress = unheard) -> HdrOutcome:
    """Give a clip the radiance of its key frames.

    It is read as `colorize` reads it. The light of HDR10 must be measured before it is
    encoded: frames wait on disk meanwhile, and those that find no room are read and filled
    once more. Memory does not grow with the clip's length.

    Raises:
        VidpropError: of the kind that fits; the output is then not there.
        Interrupted: finished stretches are kept, and the same call goes on with them.
    """
    setup = _prepare(job, on_progress)
    known = look(setup.clip, setup.reader, job, on_progress)
    curves = fit_curves(known.keys, known.shots, setup.clip, setup.reader)
    white = float(np.log2(job.white)) if job.white else _shown_white(known, curves)
    output = _output(setup, known, white)
    plan = _plan(setup, known, curves)
    store = Store(work_folder(job.output), _STEP)
    store.write_manifest(_facts(setup, known, curves))
    gallery = HdrGallery(known.frames, tuple(known.keys), white)
    with at_work(_worker(setup, known, curves, store, plan), plan) as finished:
        filler = Filler(setup, known, curves, Results(plan, store, finished))
        confidence = write(filler, output, gallery, store.folder)
    kept = store.settle(plan.names if job.keep_work else None)
    outcome = _outcome(setup, known, curves, gallery, confidence, output, kept)
    outcome = replace(outcome, white=2.0**white)
    if job.report:
        write_report(job.report, outcome)
    if job.picture:
        write_image(job.picture, gallery.sheet())
    return outcome


@dataclass
class ShotWorker(Worker):
    """A `Worker` that knows the camera curve of each shot."""

    curves: Curves

    def do(self, task: Task) -> None:
        """See `Worker.do`."""
        inner = self.propagator
        self.propagator = RadiancePropagator(inner, self.curves.at(task.owned.start).curve)
        try:
            super().do(task)
        finally:
            self.propagator = inner


def _prepare(job: HdrJob, on_progress: OnProgress) -> Setup:
    clip = SignalClip(Clip.open(job.input, job.size, job.start, job.stop, job.reading))
    info = clip.clip.info
    reader = HdrKeyReader((info.height, info.width), clip.clip.working, clip.primaries)
    carrier = method(job.method, job.weights or Path(SHIPPED), job.device)
    _check_network(carrier)
    return Setup(job, clip, reader, carrier, on_progress)


def _check_network(carrier: Method) -> None:
    network = getattr(carrier.propagator, "network", None)
    if network is not None and network.config.edit_channels != 3:
        raise WeightsError(
            "weights: those of a network for log radiance, three channels, are needed"
        )


def _output(setup: Setup, known: Known, white: float) -> HdrOutput:
    job, first = setup.job, next(iter(known.keys.values()))
    assert first.picture is not None
    scale = DisplayScale(white, job.white_nits, job.peak_nits, setup.clip.primaries)
    primaries = read_radiance(first.picture)[1]
    return open_output(Target(job, setup.clip.clip.info, scale, primaries))


def _shown_white(known: Known, curves: Curves) -> float:
    """Stops of what the camera shows as white at the first key frame."""
    number = next(iter(known.keys))
    curve, (offset, _) = curves.at(number).curve, curves.exposure(number)
    return float(np.median(curve.stops(np.ones(3, np.float32)) + offset))


def _plan(setup: Setup, known: Known, curves: Curves) -> Plan:
    height, width = setup.clip.clip.working
    longest = _STRETCH_BYTES // (height * width)
    return Planner(
        keys=known.schedule,
        identities={number: key.identity for number, key in known.keys.items()},
        partial=frozenset(),
        context=digest(repr(_facts(setup, known, curves)), repr(_STEP)),
        longest=max(_SHORTEST_STRETCH, min(_LONGEST_STRETCH, longest)),
    ).plan()


def _facts(setup: Setup, known: Known, curves: Curves) -> dict[str, object]:
    """All but the key frames that the edits of frames depend on."""
    return {
        "vidprop": __version__,
        "edit": "hdr",
        "input": setup.clip.clip.path.name,
        "input's digest": setup.clip.clip.identity(),
        "working size": setup.clip.clip.working,
        "method": setup.carrier.identity,
        "camera curves": curves.identity,
    }


def _worker(setup: Setup, known: Known, curves: Curves, store: Store, plan: Plan) -> ShotWorker:
    total = sum(len(task.owned) for task in plan.tasks)
    return ShotWorker(
        store=store,
        guides=GuideReader(setup.clip, {}),
        propagator=setup.carrier.propagator,
        keys={number: Given.painted(key.edit, number) for number, key in known.keys.items()},
        count=Counter("propagate", total, setup.on_progress).add,
        stop=threading.Event(),
        curves=curves,
    )


def _exposures(known: Known, curves: Curves) -> Mapping[int, KeyExposure]:
    found = {number: curves.exposure(number) for number in known.keys}
    return {
        number: KeyExposure((float(stops[0]), float(stops[1]), float(stops[2])), error)
        for number, (stops, error) in found.items()
    }


def _outcome(
    setup: Setup,
    known: Known,
    curves: Curves,
    gallery: HdrGallery,
    confidence: Array,
    output: HdrOutput,
    work: tuple[Path, int] | None,
) -> HdrOutcome:
    return HdrOutcome(
        output=setup.job.output,
        frames=known.frames,
        keys={number: str(key) for number, key in known.keys.items()},
        found=known.found,
        unused=known.unused,
        confidence=confidence,
        shots=known.shots,
        borrowed=(),
        grey=known.keyless,
        gallery=gallery.pictures,
        before_after=gallery.sheet(),
        notes=output.notes,
        work=work,
        exposures=_exposures(known, curves),
        max_cll=output.light.max_cll,
        max_fall=output.light.max_fall,
    )
