"""`vidprop keyframes`: writes the frames of a clip that are worth painting."""

from pathlib import Path
from typing import Annotated

import typer

from vidprop.propagation.extract import extract_key_frames

from ._options import End, Overwrite, Start, Verbose, excerpt, last_words
from ._progress import ProgressBars

HELP = """Write the frames of a clip that are worth painting, their numbers in their names.

Every shot gives at least one, more where things move into view.

Examples:

  vidprop keyframes film.mp4 -o keys/

  vidprop keyframes film.mkv -o keys/ --most 120 --start 0:30 --end 1:00
"""


def command(
    clip: Annotated[Path, typer.Argument(help="A video, a pattern (%05d.png) or a folder.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A folder for the pictures.")],
    most: Annotated[
        int, typer.Option(min=1, help="Frames from one key frame to the next, at most.")
    ] = 60,
    start: Start = None,
    end: End = None,
    overwrite: Overwrite = False,
    verbose: Verbose = False,
) -> None:
    first, stop = excerpt(clip, start, end)
    with last_words(verbose), ProgressBars() as bars:
        done = extract_key_frames(
            clip,
            output,
            most=most,
            start=first,
            stop=stop,
            overwrite=overwrite,
            on_progress=bars,
        )
    for path in done.pictures.values():
        typer.echo(path)
    typer.echo(f"{len(done.pictures)} frames to paint, of {len(done.shots)} shots", err=True)
