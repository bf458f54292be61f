"""Sanitizers find no race and no misaligned access in the match, and a missing barrier is found."""

import os
import subprocess
from pathlib import Path

import pytest
from kernel_threads import HERE, compile_command

from vidprop.ops._cupy import Kernel

RACE = 66
# Tiles of 16 pixels a side, or blocks of 64 pixels, over 21 x 21.
BLOCKS = {
    "match_forward": 4,
    "match_grad_query": 4,
    "match_grad_key": 4,
    "match_grad_bias": 7,
}


def _run(function: str, folder: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    program = folder / "race"
    file = "match_forward.cu" if function == "match_forward" else "match_backward.cu"
    kernel = Kernel.of(file, function, {"FEATURES": 8, "VALUES": 5, "CAPACITY": 402})
    # Copies that land at once show a place that is read before another thread has filled it.
    defines = ["-DLAZY=0", f"-DBLOCKS={BLOCKS[function]}", *more]
    sanitize = ["-g", "-fsanitize=thread,alignment", "-fno-sanitize-recover=alignment"]
    command = [*compile_command(kernel), *defines, *sanitize]
    subprocess.run([*command, str(HERE / "match_race.cpp"), "-o", str(program)], check=True)
    options = f"halt_on_error=1 exitcode={RACE}"
    # Threads that disagree about what is staged wait for each other for ever.
    done = subprocess.run(
        [program],
        capture_output=True,
        text=True,
        env=os.environ | {"TSAN_OPTIONS": options},
        timeout=200,
    )
    if "unexpected memory mapping" in done.stderr:
        pytest.skip("ThreadSanitizer does not run under this kernel's address randomisation")
    return done


@pytest.mark.parametrize("function", BLOCKS)
def test_no_race(function: str, tmp_path: Path) -> None:
    done = _run(function, tmp_path)
    assert (done.returncode, done.stdout) == (0, "matched\n"), done.stderr[:2000]


def test_a_missing_barrier_is_found(tmp_path: Path) -> None:
    done = _run("match_forward", tmp_path, "-DWITHOUT_BARRIERS")
    assert done.returncode == RACE
    assert "data race" in done.stderr
