"""`vidprop evaluate hdr`: shots of a virtual camera, whose radiance is known, are filled."""

import os
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
import torch
import typer
from rich.console import Console
from rich.progress import track

from vidprop.evaluation import hdr_methods, hdr_protocol, hdr_sheet, registry, tables
from vidprop.evaluation.methods import MethodOptions
from vidprop.evaluation.protocol import Schedule
from vidprop.training.virtual_camera import Shot, ShotConfig, fixed_shots
from vidprop.training.virtual_scene import find_scenes
from vidprop.video import write_image
from vidprop.video._whole import written_whole
from vidprop.weights import shipped

from . import _options

Takes = Annotated[int, typer.Option(min=1, help="Shots in each scene.")]
Interval = Annotated[int, typer.Option(min=2, help="Frames from key frame to key frame.")]
Sides = Annotated[
    Literal["one", "both"], typer.Option(help="Key frames a frame is given: before, or also after.")
]
Methods = Annotated[
    str | None, typer.Option(help=f"Default: all. Of {','.join(hdr_methods.HDR_METHODS)}.")
]


def command(
    data: Annotated[Path, typer.Argument(help="A folder of HDR panoramas and photographs, EXR.")],
    interval: Interval = 20,
    sides: Sides = "both",
    methods: Methods = None,
    takes: Takes = 2,
    lines: Annotated[int, typer.Option(min=64, help="Of a frame, a multiple of 16.")] = 256,
    threads: Annotated[int | None, typer.Option(min=1, help="Default: all cores.")] = None,
    weights: _options.Weights = None,
    device: _options.Device = "auto",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all scores here.")] = None,
    sheet_folder: Annotated[
        Path | None, typer.Option("--sheets", help="Write contact sheets, PNG, here.")
    ] = None,
) -> None:
    """Carry the radiance of the key frames 0, K, 2K ... to the LDR frames between them.

    A camera moves in panoramas and over photographs; it clips, adapts, and compresses.
    """
    options = _method_options(weights, device, threads)
    chosen = registry.create_methods(
        hdr_methods.HDR_METHODS, methods.split(",") if methods else _default(weights), options
    )
    scenes = find_scenes(data)
    config = ShotConfig((lines, round(lines * 7 / 64) * 16), frames=interval + 1)
    shots = fixed_shots(scenes, config, takes)
    scores: list[hdr_protocol.HdrScore] = []
    console = Console(stderr=True)
    total = len(scenes) * takes
    for name, shot in track(
        shots, "evaluating", total, console=console, disable=not console.is_terminal
    ):
        run = hdr_protocol.run_shot(_known(name, shot), chosen, Schedule(interval, sides))
        scores += run.scores()
        if sheet_folder:
            sheet_folder.mkdir(parents=True, exist_ok=True)
            write_image(sheet_folder / f"{name}.png", hdr_sheet.hdr_sheet(run))
    settings = {"interval": interval, "sides": sides, "takes": takes, "size": config.size}
    if json_file:
        with written_whole(json_file) as temporary:
            temporary.write_text(tables.to_json(scores, settings))
    typer.echo(tables.report(scores))


def _default(weights: Path | None) -> list[str]:
    there = weights is not None or "hdr" in shipped()
    return [name for name in hdr_methods.HDR_METHODS if there or name != "ours"]


def _known(name: str, shot: Shot) -> hdr_protocol.HdrShot:
    stops = np.log2(np.maximum(shot.radiance, np.float32(1e-6)))
    clipped = np.asarray(shot.clipped.any(axis=-1))
    # What just fills the camera's first frame is diffuse white.
    return hdr_protocol.HdrShot(name, shot.ldr, stops, clipped, -float(shot.exposure[0]))


def _method_options(weights: Path | None, device: str, threads: int | None) -> MethodOptions:
    threads = threads or os.cpu_count() or 1
    cv2.setNumThreads(threads)
    torch.set_num_threads(threads)
    return MethodOptions(weights, device, threads)
