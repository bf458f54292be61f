"""`vidprop evaluate`: takes an edit away from clips that have it; scores what brings it back."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import cv2
import torch
import typer
from rich.console import Console
from rich.progress import track

from vidprop.evaluation import clips, protocol, registry, sheets, sparse, tables
from vidprop.evaluation.methods import MethodOptions
from vidprop.video import write_image
from vidprop.video._whole import written_whole

from . import _options, evaluate_hdr

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Score methods on clips and photographs whose colours are known.",
)
app.command("hdr")(evaluate_hdr.command)

Interval = Annotated[int, typer.Option(min=2, help="Frames from key frame to key frame.")]
Sides = Annotated[
    Literal["one", "both"], typer.Option(help="Key frames a frame is given: before, or also after.")
]
Frames = Annotated[int | None, typer.Option(min=2, help="Of each clip; default: the first span.")]
Hints = Annotated[int, typer.Option(min=1, help="Superpixels of a frame; each gives one pixel.")]
Seed = Annotated[int, typer.Option(min=0, help="Settles which pixels.")]
Lines = Annotated[int, typer.Option(min=16, help="Short side of the frames, in pixels.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads; default: all cores.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write settings and scores here.")]
Sheets = Annotated[Path | None, typer.Option("--sheets", help="Write contact sheets, PNG, here.")]
ColourMethods = Annotated[
    str | None, typer.Option(help=f"Default: what fits. Of {','.join(registry.COLOUR_METHODS)}.")
]
SparseMethods = Annotated[
    str | None, typer.Option(help=f"Default: all. Of {','.join(registry.SPARSE_METHODS)}.")
]


@app.command()
def colour(
    data: Annotated[Path, typer.Argument(help="A folder of video clips, or one clip.")],
    interval: Interval = 30,
    sides: Sides = "one",
    methods: ColourMethods = None,
    frames: Frames = None,
    lines: Lines = 256,
    threads: Threads = None,
    weights: _options.Weights = None,
    device: _options.Device = "auto",
    json_file: Json = None,
    sheet_folder: Sheets = None,
) -> None:
    """Carry the colour of the key frames 0, K, 2K ... to the grey frames between them."""
    schedule = protocol.Schedule(interval, sides)
    names = methods.split(",") if methods else registry.default_colour_methods(sides)
    chosen = registry.create_methods(
        registry.COLOUR_METHODS, names, _method_options(weights, device, threads)
    )
    count = frames or schedule.first_span

    def run(path: Path) -> protocol.Run:
        return protocol.run_clip(clips.load_clip(path, lines, count), chosen, schedule)

    paths = clips.clip_paths(data)
    settings = {"interval": interval, "sides": sides, "frames": count, "lines": lines}
    _evaluate(paths, run, sheets.clip_sheet, settings, json_file, sheet_folder)


@app.command("sparse")
def sparse_command(
    data: Annotated[Path, typer.Argument(help="A folder of clips or photographs, or one.")],
    hints: Hints = 300,
    seed: Seed = 0,
    methods: SparseMethods = None,
    lines: Lines = 256,
    threads: Threads = None,
    weights: _options.Weights = None,
    device: _options.Device = "auto",
    json_file: Json = None,
    sheet_folder: Sheets = None,
) -> None:
    """Colour photographs, or the first frames of clips, from a few hundred coloured pixels."""
    names = methods.split(",") if methods else list(registry.SPARSE_METHODS)
    chosen = registry.create_methods(
        registry.SPARSE_METHODS, names, _method_options(weights, device, threads)
    )

    def run(path: Path) -> sparse.SparseRun:
        return sparse.run_sparse(clips.load_first(path, lines), chosen, hints, seed)

    paths = clips.clip_paths(data, clips.CLIP_SUFFIXES + clips.PHOTO_SUFFIXES)
    settings = {"hints": hints, "seed": seed, "lines": lines}
    _evaluate(paths, run, sheets.sparse_sheet, settings, json_file, sheet_folder)


def _evaluate(
    paths: Sequence[Path],
    run: Callable[[Path], Any],
    draw: Callable[[Any], sheets.Picture],
    settings: Mapping[str, object],
    json_file: Path | None,
    sheet_folder: Path | None,
) -> None:
    scores, console = [], Console(stderr=True)
    for path in track(paths, "evaluating", console=console, disable=not console.is_terminal):
        done = run(path)
        scores += done.scores()
        if sheet_folder:
            sheet_folder.mkdir(parents=True, exist_ok=True)
            write_image(sheet_folder / f"{path.stem}.png", draw(done))
    if json_file:
        with written_whole(json_file) as temporary:
            temporary.write_text(tables.to_json(scores, settings))
    typer.echo(tables.report(scores))


def _method_options(weights: Path | None, device: str, threads: int | None) -> MethodOptions:
    threads = threads or os.cpu_count() or 1
    cv2.setNumThreads(threads)
    torch.set_num_threads(threads)
    return MethodOptions(weights, device, threads)
