"""`vidprop train`: learns the networks' weights. Resumes where a killed run left off."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, TypeVar

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.torch import load_file
from torch import Tensor

from vidprop.errors import InputError
from vidprop.networks.spatial import SpatialConfig
from vidprop.networks.temporal import TemporalConfig, TemporalNetwork
from vidprop.propagation.span import device_named
from vidprop.training import clips as packing
from vidprop.training import hdr_clips
from vidprop.training.colour import ColourConfig, ColourTask
from vidprop.training.distributed import World
from vidprop.training.hdr import HdrConfig, HdrTask
from vidprop.training.hdr_begin import adapted
from vidprop.training.loop import LoopConfig, Metrics, Run, Task, train
from vidprop.training.sparse import SparseConfig, SparseTask
from vidprop.training.virtual_camera import ShotConfig
from vidprop.training.virtual_scene import find_scenes
from vidprop.weights import find_weights, load_weights, save_weights

Configuration = TypeVar("Configuration")

app = typer.Typer(
    no_args_is_help=True,
    help="Learn weights. A run killed at any time goes on with the same command. "
    "On several GPUs: torchrun --nproc-per-node N -m vidprop.apps.main train ...",
)

RunFolder = Annotated[Path, typer.Option("--run", help="Checkpoints, log, sheets and weights.")]
Steps = Annotated[int, typer.Option(min=1, help="Steps of the optimiser.")]
Rate = Annotated[float, typer.Option(min=0, help="Highest learning rate.")]
Half = Annotated[bool, typer.Option(help="bfloat16 in the convolutions.")]
Seed = Annotated[int, typer.Option(min=0)]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads; default: all cores.")]
Settings = Annotated[
    str | None,
    typer.Option("--network", help='Settings of the network, JSON: \'{"carry": {"units": 2}}\'.'),
]
Begin = Annotated[str | None, typer.Option(help="Weights to begin with: a name or a file.")]
Every = Annotated[int, typer.Option(min=1, help="Steps between validations.")]


@app.command()
def pack(
    source: Annotated[Path, typer.Argument(help="A folder of .mp4 clips, one shot each.")],
    folder: Annotated[Path, typer.Argument(help="Where the decoded clips and flows go.")],
    lines: Annotated[int, typer.Option(min=32, help="Short side of the frames.")] = 256,
    frames: Annotated[int, typer.Option(min=8, help="At most so many of each clip.")] = 96,
    films: Annotated[bool, typer.Option(help="Also a worn copy of every third clip.")] = True,
    workers: Annotated[int | None, typer.Option(min=1)] = None,
) -> None:
    """Decode clips and compute their flows once (about 0.4 MB a frame of 256x448)."""
    packing.pack_clips(
        source,
        folder,
        lines=lines,
        frames=frames,
        films=films,
        workers=workers,
        progress=typer.echo,
    )


@app.command()
def colour(
    folder: Annotated[Path, typer.Argument(help="Clips from `vidprop train pack`.")],
    run: RunFolder,
    steps: Steps = 20000,
    rate: Rate = 1e-3,
    held_out: Annotated[int, typer.Option(min=1, help="Clips kept for validation.")] = 10,
    streams: Annotated[int, typer.Option(min=2, help="Sequences walked at a time, even.")] = 4,
    switchable: Annotated[bool, typer.Option(help="Walk each sequence both ways.")] = True,
    network: Settings = None,
    half: Half = True,
    seed: Seed = 0,
    every: Every = 1000,
    begin: Begin = None,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """The temporal network, for colour."""
    trained, kept = split(packing.load_clips(folder), held_out)
    config = ColourConfig(streams=streams, switchable=switchable, seed=_own(seed))
    loop = LoopConfig(steps=steps, learning_rate=rate, half=half, seed=seed, validate_every=every)
    task = ColourTask(trained, kept, config, configured(TemporalConfig, network))
    _train(task, loop, run, begin, device, threads)


@app.command()
def sparse(
    data: Annotated[Path, typer.Argument(help="A folder with photos/train and clips/train.")],
    run: RunFolder,
    steps: Steps = 20000,
    rate: Rate = 1e-3,
    network: Settings = None,
    half: Half = True,
    seed: Seed = 0,
    every: Every = 1000,
    begin: Begin = None,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """The spatial network, which makes sparse hints dense."""
    loop = LoopConfig(steps=steps, learning_rate=rate, half=half, seed=seed, validate_every=every)
    config = SparseConfig(data, configured(SpatialConfig, network), seed=_own(seed))
    _train(SparseTask(config), loop, run, begin, device, threads)


@app.command("pack-hdr")
def pack_hdr(
    source: Annotated[Path, typer.Argument(help="A folder of HDR panoramas, EXR.")],
    folder: Annotated[Path, typer.Argument(help="Where the rendered clips and flows go.")],
    count: Annotated[int, typer.Option(min=1, help="Clips, as many in each scene.")] = 400,
    frames: Annotated[int, typer.Option(min=8, help="Of each clip.")] = 42,
    lines: Annotated[int, typer.Option(min=64, help="Of a frame, a multiple of 16.")] = 256,
    seed: Seed = 0,
    workers: Annotated[int | None, typer.Option(min=1)] = None,
) -> None:
    """Render clips with a virtual camera once (about 0.7 MB a frame of 256x448)."""
    shots = ShotConfig((lines, round(lines * 7 / 64) * 16), frames)
    hdr_clips.pack_shots(
        find_scenes(source),
        folder,
        shots,
        count=count,
        seed=seed,
        workers=workers,
        progress=typer.echo,
    )


@app.command()
def hdr(
    folder: Annotated[Path, typer.Argument(help="Clips from `vidprop train pack-hdr`.")],
    run: RunFolder,
    steps: Steps = 20000,
    rate: Rate = 1e-3,
    streams: Annotated[int, typer.Option(min=2, help="Sequences walked at a time, even.")] = 4,
    half: Half = True,
    seed: Seed = 0,
    every: Every = 1000,
    begin: Begin = None,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """The temporal network, for log radiance."""
    trained, kept = hdr_clips.split_scenes(hdr_clips.load_hdr_clips(folder))
    loop = LoopConfig(steps=steps, learning_rate=rate, half=half, seed=seed, validate_every=every)
    config = HdrConfig(streams=streams, seed=_own(seed))
    _train(HdrTask(trained, kept, config), loop, run, begin, device, threads)


def configured(kind: Callable[..., Configuration], settings: str | None) -> Configuration:
    """A network's configuration, its default but for what the JSON text says.

    Raises:
        InputError: the text is no JSON object, or names what is no setting.
    """
    try:
        given = json.loads(settings or "{}")
        return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in given.items()})
    except (json.JSONDecodeError, AttributeError, TypeError) as error:
        raise InputError(f"network: {settings!r} are no settings: {error}") from None


def split(
    clips: list[packing.Clip], held_out: int
) -> tuple[list[packing.Clip], list[packing.Clip]]:
    """Clips to train on, and evenly chosen others; a worn copy stays with its original."""
    names = sorted(clip.name for clip in clips if not clip.name.endswith("~film"))
    step = max(2, len(names) // held_out)
    chosen = set(names[step // 2 :: step][:held_out])
    trained = [clip for clip in clips if clip.name.removesuffix("~film") not in chosen]
    return trained, [clip for clip in clips if clip.name in chosen]


def _own(seed: int) -> int:
    """A seed for this process: processes that train together see different data."""
    return seed + 1000 * int(os.environ.get("RANK", "0"))


def _train(
    task: Task, loop: LoopConfig, folder: Path, begin: str | None, device: str, threads: int | None
) -> None:
    torch.set_num_threads(threads or os.cpu_count() or 1)
    run = Run(task, loop, folder, device_named(device))
    if begin:
        run.start_from(_parameters(begin, run))
    with _bar(run.world) as progress:
        bar = progress.add_task(task.name, total=loop.steps, completed=run.step, figures="")
        figures = train(run, report=_reporter(progress, bar))
    if run.world.first:
        run.average.load_state_dict(torch.load(folder / "best.pt"))
        save_weights(folder / f"{task.name}.safetensors", run.average, {"steps": loop.steps})
        typer.echo(", ".join(f"{name} {value:.2f}" for name, value in figures.items()))


def _parameters(begin: str, run: Run) -> Mapping[str, Tensor]:
    """Those of weights to begin with, for the task of the run."""
    if isinstance(run.task, HdrTask) and isinstance(run.network, TemporalNetwork):
        return adapted(load_weights(TemporalNetwork, begin), run.network)
    return load_file(find_weights(begin))


def _bar(world: World) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
        console=Console(stderr=True),
        disable=not world.first,
    )


def _reporter(progress: Progress, bar: object) -> Callable[[int, int, float, Metrics], None]:
    def report(step: int, steps: int, seconds: float, metrics: Metrics) -> None:
        shown = " ".join(f"{name} {value:.3g}" for name, value in metrics.items())
        progress.update(bar, completed=step, figures=f"{seconds:.2f} s/step {shown}")  # type: ignore[arg-type]

    return report
