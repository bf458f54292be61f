"""`python -m vidprop.apps.bench_scan`: is the scan right, and how far is it from the floor?

Nothing is timed unless every implementation at hand equals the definition first.
"""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import typer

from vidprop.errors import BackendError, InputError, VidpropError
from vidprop.video._whole import written_whole

from . import _bench_cpu, _bench_cuda, _bench_gate
from ._bench_rows import Report

Device = Literal["auto", "cpu", "cuda"]


def command(
    device: Annotated[Device, typer.Option(help="auto: the CPU, and a CUDA device.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="Default: all cores.")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all figures here.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small sizes: is it running at all?")
    ] = False,
) -> None:
    """Check the scan against its definition, then time it beside a copy of as many bytes."""
    if json_file and not json_file.resolve().parent.is_dir():
        raise InputError(f"--json must be in a folder that is there, got {json_file}")
    torch.set_num_threads(threads or os.cpu_count() or 1)
    reports = []
    for name in _devices(device):
        typer.echo(_bench_gate.run(name))
        report = _bench_cpu.measure(quick) if name == "cpu" else _bench_cuda.measure(quick)
        typer.echo(f"\n{report.text()}\n")
        reports.append(report)
    if json_file:
        with written_whole(json_file) as temporary:
            temporary.write_text(_to_json(reports))


def _devices(device: Device) -> list[str]:
    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise BackendError("--device cuda needs a CUDA device; torch finds none: vidprop doctor")
    return ["cpu", *["cuda"] * there] if device == "auto" else [device]


def _to_json(reports: list[Report]) -> str:
    return json.dumps([report.record() for report in reports], indent=1)


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 done, 1 a wrong result or an error, 2 wrong usage."""
    program: Any = typer.Typer(add_completion=False)
    program.command()(command)
    try:
        typer.main.get_command(program).main(args=argv, prog_name="vidprop.apps.bench_scan")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except VidpropError as error:
        print(f"bench_scan: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
