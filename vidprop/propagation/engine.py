"""One clip from file to file: key frames in, a clip in colour out."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vidprop import __version__
from vidprop.edits.guide import working_size
from vidprop.edits.keyframes import KeyFrames
from vidprop.errors import KeyFrameError
from vidprop.video import Frame, VideoWriter, create_video, open_video

from .ahead import ahead
from .borrowing import borrow
from .clip import Clip, GuideReader
from .contract import Array
from .gallery import Gallery
from .job import ColourJob
from .join import Joiner, side_by_side
from .keys import Key, KeyReader, check_likeness, placed, searches
from .methods import Method, method
from .outcome import Outcome
from .plan import Borrowed, Plan, Planner, digest
from .progress import Counter, OnProgress, unheard
from .report import write_report
from .results import Results
from .store import Store, work_folder
from .stretches import Finished, Given, Worker
from .survey import Survey, survey

# An eighth of a step of 8-bit chroma; of 12 bits a half.
_STEP = 2**-11
# At 256 lines a stretch of this many bytes has 240 frames of 256x448.
_STRETCH_BYTES = 240 * 256 * 448
_LONGEST_STRETCH = 240


@dataclass(frozen=True)
class _Known:
    """What the first look at a clip found."""

    survey: Survey
    keys: Mapping[int, Key]
    found: Mapping[Path, int]
    unused: tuple[int, ...]
    schedule: KeyFrames

    @property
    def shots(self) -> tuple[range, ...]:
        return tuple(shot for shot in self.schedule.shots() if shot.start >= self.survey.first)

    @property
    def keyless(self) -> tuple[range, ...]:
        return tuple(shot for shot in self.shots if not any(n in shot for n in self.keys))


def colorize(job: ColourJob, on_progress: OnProgress = unheard) -> Outcome:
    """Colour a clip.

    It is read three times: to find shots and key frames, to propagate, and to write.
    The last two run side by side. Memory does not grow with the clip's length.

    Raises:
        VidpropError: of the kind that fits; the output is then not there.
        Interrupted: finished stretches are kept, and the same call goes on with them.
    """
    carrier = method(job.method, job.weights, job.device)
    clip = _clip(job)
    reader = KeyReader((clip.info.height, clip.info.width), clip.working, clip.info.matrix_name)
    known = _look(job, clip, reader, on_progress)
    loans = tuple(borrow(known.keys, known.survey, known.keyless)) if job.reuse_keys else ()
    plan = _plan(known, clip, carrier, loans)
    store = Store(work_folder(job.output), _STEP)
    store.write_manifest({"vidprop": __version__, **_facts(job, clip, carrier)})
    worker = _worker(known, clip, carrier, store, plan, on_progress)
    gallery = _gallery(clip, known)
    with _working(worker, plan) as finished:
        results = Results(plan, store, finished)
        confidence = _write(job, clip, results, known, reader, gallery, on_progress)
    outcome = _outcome(job, known, loans, confidence, gallery, _tidied(job, store, plan))
    if job.report:
        write_report(job.report, outcome)
    return outcome


def _clip(job: ColourJob) -> Clip:
    with open_video(job.input) as video:
        info = video.info
    working = working_size(info.height, info.width, job.size)
    return Clip(job.input, info, working, job.start, job.stop)


def _look(job: ColourJob, clip: Clip, reader: KeyReader, on_progress: OnProgress) -> _Known:
    keys = [reader.key(file) for file in job.keys]
    wanted = [key.file.number for key in keys if key.file.number is not None]
    sought = searches(keys)
    counter = Counter("look", None, on_progress)
    with closing(ahead(clip.guides())) as guides:
        seen = survey(guides, wanted, list(sought.values()), lambda _: counter.add())
    numbered = placed(keys, sought)
    unused = tuple(n for n in numbered if n < seen.first or (job.stop and n >= seen.stop))
    used = {n: key for n, key in numbered.items() if n not in unused}
    if not used:
        raise KeyFrameError(f"no key frame lies within frames {seen.first} to {seen.stop - 1}")
    schedule = KeyFrames.at(used, seen.stop, (seen.first, *seen.cuts))
    check_likeness(used, seen)
    found = {file.path: search.frame for file, search in sought.items()}
    return _Known(seen, used, found, unused, schedule)


def _plan(known: _Known, clip: Clip, carrier: Method, loans: tuple[Borrowed, ...]) -> Plan:
    height, width = clip.working
    return Planner(
        keys=known.schedule,
        identities={number: key.identity for number, key in known.keys.items()},
        partial=frozenset(number for number, key in known.keys.items() if key.partial),
        context=digest(clip.identity(), repr(clip.working), carrier.identity, repr(_STEP)),
        longest=max(24, min(_LONGEST_STRETCH, _STRETCH_BYTES // (height * width))),
    ).plan(loans)


def _facts(job: ColourJob, clip: Clip, carrier: Method) -> Mapping[str, object]:
    return {
        "input": job.input.name,
        "identity": clip.identity(),
        "working size": clip.working,
        "method": carrier.identity,
    }


def _worker(
    known: _Known, clip: Clip, carrier: Method, store: Store, plan: Plan, on_progress: OnProgress
) -> Worker:
    total = sum(len(task.owned) for task in plan.tasks)
    return Worker(
        store=store,
        guides=GuideReader(clip, known.survey.guides),
        propagator=carrier.propagator,
        keys={number: Given(key.edit) for number, key in known.keys.items()},
        count=Counter("propagate", total, on_progress).add,
        stop=threading.Event(),
    )


def _gallery(clip: Clip, known: _Known) -> Gallery:
    frames = range(known.survey.first, known.survey.stop)
    return Gallery(Joiner(clip.info.format.in_colour()).written, frames, known.keys)


@contextmanager
def _working(worker: Worker, plan: Plan) -> Iterator[Finished]:
    """Have the plan carried out in a thread, which ends when the block does."""
    finished = Finished()
    thread = threading.Thread(target=worker.run, args=(plan, finished))
    thread.start()
    try:
        yield finished
    finally:
        worker.stop.set()
        thread.join()


def _write(
    job: ColourJob,
    clip: Clip,
    results: Results,
    known: _Known,
    reader: KeyReader,
    gallery: Gallery,
    on_progress: OnProgress,
) -> Array:
    """Write every frame; give back the confidence of each."""
    counter = Counter("write", known.survey.stop - known.survey.first, on_progress)
    joiner, confidence = Joiner(clip.info.format.in_colour()), []
    with _writer(job, clip, joiner) as writer, closing(ahead(clip.frames())) as frames:
        for frame in frames:
            edit, trust = results.of(frame.index)
            key = known.keys.get(frame.index)
            painted = reader.painted(key.file) if key else None
            coloured = joiner.join(frame, edit, painted)
            writer.write(_beside(joiner, frame, coloured) if job.compare else coloured)
            confidence.append(1.0 if key and not key.partial else trust)
            gallery.offer(coloured, confidence[-1])
            counter.add()
    return np.array(confidence, np.float32)


def _writer(job: ColourJob, clip: Clip, joiner: Joiner) -> VideoWriter:
    width = clip.info.width * (2 if job.compare else 1)
    return create_video(
        job.output,
        like=replace(clip.info, width=width),
        format=joiner.written,
        codec=job.encoding.codec,
        crf=job.encoding.crf,
        pix_fmt=job.encoding.pix_fmt,
        copy_from=job.input,
        overwrite=job.overwrite,
    )


def _beside(joiner: Joiner, frame: Frame, coloured: Frame) -> Frame:
    return side_by_side(joiner.join(frame, None), coloured)


def _tidied(job: ColourJob, store: Store, plan: Plan) -> tuple[Path, int] | None:
    if not job.keep_work:
        store.remove()
        return None
    store.keep_only(task.name for task in plan.tasks)
    return store.folder, store.size()


def _outcome(
    job: ColourJob,
    known: _Known,
    loans: tuple[Borrowed, ...],
    confidence: Array,
    gallery: Gallery,
    work: tuple[Path, int] | None,
) -> Outcome:
    lent = {loan.shot for loan in loans}
    return Outcome(
        output=job.output,
        frames=range(known.survey.first, known.survey.stop),
        keys={number: key.file.path for number, key in known.keys.items()},
        found=known.found,
        unused=known.unused,
        confidence=confidence,
        gallery=gallery,
        shots=known.shots,
        borrowed=loans,
        grey=tuple(shot for shot in known.keyless if shot not in lent),
        work=work,
    )
