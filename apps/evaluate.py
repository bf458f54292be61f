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

from vidprop.errors import InputError
from vidprop.evaluation import chain, clips, protocol, registry, sheets, sparse, tables
from vidprop.evaluation.cost import spatial_cost, temporal_cost
from vidprop.evaluation.methods import MethodOptions
from vidprop.networks.spatial import SpatialNetwork
from vidprop.networks.temporal import TemporalNetwork
from vidprop.video import probe_video, write_image
from vidprop.video._whole import written_whole
from vidprop.weights import load_weights

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


@app.command("chain")
def chain_command(
    data: Annotated[Path, typer.Argument(help="A folder of video clips, or one clip.")],
    hints: Hints = 300,
    seed: Seed = 0,
    frames: Annotated[
        str, typer.Option(help="Numbers of the frames that are scored.")
    ] = "0,20,200",
    lines: Lines = 256,
    threads: Threads = None,
    device: _options.Device = "auto",
    json_file: Json = None,
    sheet_folder: Sheets = None,
) -> None:
    """Colour frame 0 from a few hundred points, carry that on, score frames long after it.

    Clips that are too short are left out.
    """
    options = _method_options(None, device, threads)
    densify = registry.SPARSE_METHODS["ours"](options)
    propagate = registry.COLOUR_METHODS["ours"](options)
    numbers = _numbers(frames)

    def run(path: Path) -> chain.ChainRun:
        clip = clips.load_clip(path, lines, numbers[-1] + 1)
        return chain.run_chain(clip, densify, propagate, numbers, hints, seed)

    paths = [path for path in clips.clip_paths(data) if _frames(path) > numbers[-1]]
    if not paths:
        raise InputError(f"{data}: no clip has {numbers[-1] + 1} frames")
    settings = {"hints": hints, "seed": seed, "frames": numbers, "lines": lines}
    _evaluate(paths, run, sheets.chain_sheet, settings, json_file, sheet_folder)


@app.command("cost")
def cost_command(weights: _options.Weights = None) -> None:
    """Count the arithmetic of the networks, in GFLOP: sums and products, both counted."""
    temporal = load_weights(TemporalNetwork, weights or "colour")
    rows = []
    for keys in (1, 2):
        cost = temporal_cost(temporal, 256, 448, keys)
        parts = (cost.encoder, cost.guidance, cost.match, cost.scan, cost.total)
        rows.append([f"frame of 448x256, key frames: {keys}", *(f"{x:.2f}" for x in parts)])
    spatial = spatial_cost(load_weights(SpatialNetwork, "sparse"), 256, 448)
    rows.append(["key frame of 448x256, from hints", *[""] * 4, f"{spatial:.2f}"])
    header = ["GFLOP", "encoder", "guidance", "match", "scan", "all"]
    typer.echo(tables.markdown_table(header, rows))


def _numbers(given: str) -> list[int]:
    try:
        numbers = sorted({int(number) for number in given.split(",")})
    except ValueError:
        numbers = [-1]
    if numbers[0] < 0:
        raise InputError(f"frames: numbers from 0 on with commas between, not {given!r}")
    return numbers


def _frames(path: Path) -> int:
    return probe_video(path).frame_count or 0


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
