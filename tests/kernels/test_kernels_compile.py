"""Every .cu compiles alone, for every architecture and type, and keeps its values in registers."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from kernel_threads import H200, KERNELS

from vidprop.ops import _cupy
from vidprop.ops.scan._cuda_plan import Problem, plan_scan

ARCHITECTURES = (75, 80, 90, 120)
TYPES = {"float": 4, "float16": 2, "bfloat16": 2}
FILES = sorted(path.name for path in KERNELS.glob("*.cu"))


def _compile(file: Path, options: list[str], architectures: tuple[int, ...], out: Path) -> str:
    """What the assembler says."""
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        pytest.skip("nvcc is not installed: it comes with the CUDA toolkit")
    targets = [f"-gencode=arch=compute_{a},code=sm_{a}" for a in architectures]
    command = [
        nvcc,
        "-fatbin",
        "--threads=2",
        "-Xptxas=-v",
        "-Werror=all-warnings",
        *targets,
        *options,
    ]
    done = subprocess.run(
        [*command, str(file), "-o", str(out / "kernel.fatbin")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def _assert_no_spill(said: str, kernels: int) -> None:
    spills = re.findall(r"(\d+) bytes spill stores, (\d+) bytes spill loads", said)
    assert spills == [("0", "0")] * kernels, said


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("file", FILES)
def test_compiles_for_every_architecture(file: str, type_: str, tmp_path: Path) -> None:
    # What the run-time compiler gets: one file, no folder to include from.
    whole = tmp_path / file
    whole.write_text(_cupy.source(file))
    assert "#include" not in whole.read_text()
    options = ["-std=c++17", f"-DTYPE={type_}"]
    said = _compile(whole, options, ARCHITECTURES, tmp_path)
    kernels = said.count("Compiling entry function")
    assert kernels > 0
    assert kernels % len(ARCHITECTURES) == 0
    _assert_no_spill(said, kernels)


@pytest.mark.parametrize("kind", ["forward", "backward"])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("type_", ["float", "bfloat16"])
def test_planned_kernels_do_not_spill(kind: str, shared: bool, type_: str, tmp_path: Path) -> None:
    size = TYPES[type_]
    problem = Problem(
        type_, size, 8, 32, 512, 512, (0, 1, 2, 3), 3, shared, shared, True, vector=16
    )
    plan = plan_scan(problem, kind, H200)
    said = _compile(KERNELS / plan.kernel.file, list(plan.kernel.options), (90,), tmp_path)
    _assert_no_spill(said, 1)
    registers = re.search(r"Used (\d+) registers", said)
    assert registers is not None
    assert int(registers[1]) * plan.threads <= 65536


def test_a_source_has_every_include_once() -> None:
    text = _cupy.source("scan_forward.cu")
    assert text.count("struct bfloat16 {") == 1
    assert "#pragma once" not in text
