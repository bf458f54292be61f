"""`vidprop densify`: a grey picture and a few coloured points become a picture in colour."""

from pathlib import Path
from typing import Annotated

import typer

from vidprop.edits.hintfiles import HintFiles, hint_files

from ._options import Device, Overwrite, Size, Weights

HELP = """Colour one picture from a few points or strokes.

A table of points has lines of frame, x, y and a colour (#rrggbb, or three numbers up to 255).
Strokes are painted on a transparent picture, or on a copy of the grey one.

Examples:

  vidprop densify frame_00012.png --hints points.csv -o key_00012.png

  vidprop densify frame_00012.png --hints strokes.png -o key_00012.png

  vidprop densify photo.png --auto-hints 300 -o again.png
"""


def command(
    picture: Annotated[Path, typer.Argument(help="A grey picture.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The picture in colour.")],
    hints: Annotated[
        list[str] | None, typer.Option(metavar="FILE...", help="CSV tables, or one picture.")
    ] = None,
    auto_hints: Annotated[
        int | None, typer.Option(min=1, help="So many points of a picture that has colour.")
    ] = None,
    size: Size = 256,
    weights: Weights = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    from vidprop.propagation.densify import DensifyJob, densify

    job = DensifyJob(
        picture=picture,
        output=output,
        hints=hint_files(map(_numbered, hints)) if hints else HintFiles(),
        auto_hints=auto_hints,
        size=size,
        weights=weights,
        device=device,
        overwrite=overwrite,
    )
    count = densify(job)
    typer.echo(f"{output}: coloured from {count} hints")


def _numbered(hint: str) -> str:
    """A picture's number does not matter here, so that its name need have none."""
    return hint if hint.lower().endswith(".csv") else f"0={hint}"
