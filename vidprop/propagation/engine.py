"""One clip from file to file: key frames in, a clip in colour out."""

import threading
from pathlib import Path

from vidprop import __version__
from vidprop.video import write_image

from .borrowing import borrow
from .clip import GuideReader
from .contract import Array
from .gallery import BeforeAfter, Gallery
from .job import ColourJob
from .look import Known, look
from .outcome import Outcome
from .plan import Borrowed, Plan, Planner, digest
from .progress import Counter, OnProgress, unheard
from .report import write_report
from .results import Results
from .setup import Setup, prepare
from .store import Store, work_folder
from .stretches import Given, Worker, at_work
from .writing import write

# Half a step of 8-bit chroma, an eighth of it in limited range at 10 bits: finer than is written.
_STEP = 2**-11
# At 256 lines a stretch of this many bytes has 240 frames of 256x448.
_STRETCH_BYTES = 240 * 256 * 448
_LONGEST_STRETCH = 240
_SHORTEST_STRETCH = 24


def colorize(job: ColourJob, on_progress: OnProgress = unheard) -> Outcome:
    """Colour a clip.

    It is read three times: to find shots and key frames, to propagate, and to write.
    The last two run side by side. Memory does not grow with the clip's length.

    Raises:
        VidpropError: of the kind that fits; the output is then not there.
        Interrupted: finished stretches are kept, and the same call goes on with them.
    """
    setup = prepare(job, on_progress)
    known = look(setup)
    loans = tuple(borrow(known.keys, known.survey, known.keyless)) if job.reuse_keys else ()
    plan = _plan(setup, known, loans)
    store = Store(work_folder(job.output), _STEP)
    store.write_manifest(_facts(setup))
    gallery = Gallery(setup.joiner.written, known.frames, known.keys)
    pairs = BeforeAfter(setup.joiner.written, known.frames)
    with at_work(_worker(setup, known, store, plan), plan) as finished:
        confidence = write(setup, known, Results(plan, store, finished), gallery, pairs)
    kept = store.settle(plan.names if job.keep_work else None)
    outcome = _outcome(setup, known, loans, confidence, (gallery, pairs), kept)
    if job.report:
        write_report(job.report, outcome)
    if job.picture:
        write_image(job.picture, pairs.picture())
    return outcome


def _plan(setup: Setup, known: Known, loans: tuple[Borrowed, ...]) -> Plan:
    height, width = setup.clip.working
    return Planner(
        keys=known.schedule,
        identities={number: key.identity for number, key in known.keys.items()},
        partial=frozenset(number for number, key in known.keys.items() if key.partial),
        context=digest(repr(_facts(setup)), repr(_STEP)),
        longest=max(_SHORTEST_STRETCH, min(_LONGEST_STRETCH, _STRETCH_BYTES // (height * width))),
    ).plan(loans)


def _facts(setup: Setup) -> dict[str, object]:
    """All but the key frames that the edits of frames depend on."""
    return {
        "vidprop": __version__,
        "input": setup.clip.path.name,
        "input's digest": setup.clip.identity(),
        "working size": setup.clip.working,
        "method": setup.carrier.identity,
    }


def _worker(setup: Setup, known: Known, store: Store, plan: Plan) -> Worker:
    total = sum(len(task.owned) for task in plan.tasks)
    return Worker(
        store=store,
        guides=GuideReader(setup.clip, known.survey.guides),
        propagator=setup.carrier.propagator,
        keys={number: Given.painted(key.edit, number) for number, key in known.keys.items()},
        count=Counter("propagate", total, setup.on_progress).add,
        stop=threading.Event(),
    )


def _outcome(
    setup: Setup,
    known: Known,
    loans: tuple[Borrowed, ...],
    confidence: Array,
    shown: tuple[Gallery, BeforeAfter],
    work: tuple[Path, int] | None,
) -> Outcome:
    lent = {loan.shot for loan in loans}
    return Outcome(
        output=setup.job.output,
        frames=known.frames,
        keys={number: str(key) for number, key in known.keys.items()},
        found=known.found,
        unused=known.unused,
        confidence=confidence,
        shots=known.shots,
        borrowed=loans,
        grey=tuple(shot for shot in known.keyless if shot not in lent),
        gallery=shown[0],
        before_after=shown[1].picture(),
        notes=setup.writer.notes,
        work=work,
    )
