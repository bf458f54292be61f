"""`vidprop colorize`: key frames and a clip go in, the clip in colour comes out."""

from pathlib import Path
from typing import Annotated

import typer

from vidprop.edits.hintfiles import HintFiles, hint_files
from vidprop.edits.keyfiles import key_files
from vidprop.propagation import ColourJob, Outcome, Reading, Wishes, colorize
from vidprop.video import probe_video

from ._options import Device, End, Overwrite, Size, Start, Verbose, Weights, excerpt, last_words
from ._progress import ProgressBars

HELP = """Colour a clip from painted key frames; its luma stays as it is.

Interrupted, the same command goes on where it stopped. With one more key frame it works out
only what that one touches.

Examples:

  vidprop colorize film.mp4 --keyframes keys/ -o film-colour.mp4

  vidprop colorize film.mkv --keyframes 0=first.png 120=second.png -o out.mkv --codec ffv1

  vidprop colorize "scan/%05d.tif" --keyframes scan_00040.png -o "out/%05d.png"

  vidprop colorize film.mp4 --hints points.csv --preview --compare
"""

_CONTAINERS = {".avi", ".mkv", ".mov", ".mp4", ".webm"}
_PREVIEW_SECONDS = 5
_PREVIEW_SIZE = 192
_PREVIEW_LINES = 288

Keyframes = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE...|FOLDER|N=FILE",
        help="Painted frames. The last digits of a file's name are its frame number, from 0. "
        "A file without digits is found in the clip. Transparent parts are left as propagated.",
    ),
]
Hints = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE...",
        help="Colour of a few points or strokes: tables (frame, x, y, #rrggbb) or pictures.",
    ),
]


def command(
    clip: Annotated[Path, typer.Argument(help="A video, a pattern (%05d.png) or a folder.")],
    keyframes: Keyframes = None,
    hints: Hints = None,
    auto_hints: Annotated[
        int | None, typer.Option(min=1, help="Use only so many points of each key frame.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A video, or a pattern (%05d.png).")
    ] = None,
    size: Size = 256,
    start: Start = None,
    end: End = None,
    codec: Annotated[
        str | None, typer.Option(help="As in ffmpeg: libx264, libx265, prores_ks, ffv1 ...")
    ] = None,
    crf: Annotated[int | None, typer.Option(help="Quality: less is better, and larger.")] = None,
    pix_fmt: Annotated[str | None, typer.Option(help="As in ffmpeg: yuv420p10le ...")] = None,
    reuse_keys: Annotated[
        bool, typer.Option("--reuse-keys", help="Fill shots without a key frame from the likest.")
    ] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Five seconds, small, to a file of its own.")
    ] = False,
    compare: Annotated[
        bool, typer.Option("--compare", help="Grey and coloured side by side.")
    ] = False,
    report: Annotated[Path | None, typer.Option(help="HTML; by default beside the output.")] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.")] = False,
    picture: Annotated[
        Path | None, typer.Option(help="Write some frames before and after to this picture.")
    ] = None,
    keep_work: Annotated[
        bool, typer.Option(help="Keep finished parts, so that further key frames are quick.")
    ] = True,
    method: Annotated[str, typer.Option(help="network, or flow: optical flow alone.")] = "network",
    weights: Weights = None,
    hint_weights: Annotated[
        Path | None, typer.Option(help="The same for the network that reads hints.")
    ] = None,
    device: Device = "auto",
    deinterlace: Annotated[
        bool | None,
        typer.Option(
            "--deinterlace/--progressive",
            help="Make frames of the fields of interlaced video, or take them as they are.",
        ),
    ] = None,
    keep_damaged: Annotated[
        bool, typer.Option("--keep-damaged", help="Go on where the input is damaged or cut short.")
    ] = False,
    overwrite: Overwrite = False,
    verbose: Verbose = False,
) -> None:
    first, stop = excerpt(clip, start, end)
    target = output or clip.with_name(f"{clip.stem}-colour{_suffix(clip)}")
    if preview:
        target = target.with_stem(f"{target.stem}-preview")
        stop = _preview_stop(clip, first, stop)
    job = ColourJob(
        input=clip,
        output=target,
        keys=key_files(keyframes) if keyframes else (),
        hints=hint_files(hints) if hints else HintFiles(),
        auto_hints=auto_hints,
        hint_weights=hint_weights,
        size=min(size, _PREVIEW_SIZE) if preview else size,
        method=method,
        weights=weights,
        device=device,
        start=first,
        stop=stop,
        reuse_keys=reuse_keys,
        compare=compare,
        reading=Reading(deinterlace, keep_damaged, _PREVIEW_LINES if preview else None),
        wishes=Wishes(codec, crf, pix_fmt),
        overwrite=overwrite or preview,
        keep_work=keep_work and not preview,
        report=None if no_report or preview else report or target.with_suffix(".report.html"),
        picture=picture,
    )
    with last_words(verbose), ProgressBars() as bars:
        outcome = colorize(job, bars)
    tell(outcome, job.report)


def _preview_stop(clip: Path, first: int, stop: int | None) -> int | None:
    """Where a preview ends; None at the end of the clip."""
    info = probe_video(clip)
    end = first + max(1, round(_PREVIEW_SECONDS * float(info.frame_rate)))
    if stop is not None or info.frame_count is None:
        return end if stop is None else min(stop, end)
    return end if end < (info.first_number or 0) + info.frame_count else None


def tell(outcome: Outcome, report: Path | None) -> None:
    """Say what was done, and what the user should know of it."""
    for path, number in outcome.found.items():
        typer.echo(f"{path.name}: found to be frame {number}")
    for number in outcome.unused:
        typer.echo(f"key frame {number} lies outside the excerpt and was not used")
    for shot in outcome.grey:
        typer.echo(f"frames {shot.start} to {shot.stop - 1}: a shot without key frame, left grey")
    for loan in outcome.borrowed:
        shot = loan.shot
        typer.echo(f"frames {shot.start} to {shot.stop - 1}: coloured from key frame {loan.number}")
    for note in outcome.notes:
        typer.echo(note)
    if outcome.work:
        folder, size = outcome.work
        typer.echo(f"{folder}: {size / 1e6:.0f} MB of finished parts, for further key frames")
    if report:
        typer.echo(f"{report}: where another key frame would help")
    typer.echo(f"{outcome.output}: {len(outcome.frames)} frames in colour")


def _suffix(clip: Path) -> str:
    return clip.suffix if clip.suffix.lower() in _CONTAINERS else ".mkv"
