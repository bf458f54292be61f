"""ThreadSanitizer finds no race in the kernels, and does find one where a barrier is taken out."""

import os
import subprocess
from pathlib import Path

import pytest
from kernel_threads import HERE, compile_command

from vidprop.ops.scan._cuda_plan import Plan, Problem

PROBLEM = Problem("float", 4, 1, 3, 21, 18, (0, 1, 2, 3), 3, True, False, True, 8)
RACE = 66


def _run(plan: Plan, folder: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    program = folder / "race"
    # Copies that land at once show a tile that is filled while it is read.
    defines = ["-DLAZY=0", f"-DSHARED_BYTES={plan.shared}", *more]
    command = [*compile_command(plan.kernel), *defines, "-g", "-fsanitize=thread"]
    subprocess.run([*command, str(HERE / "host_race.cpp"), "-o", str(program)], check=True)
    options = f"halt_on_error=1 exitcode={RACE}"
    done = subprocess.run(
        [program], capture_output=True, text=True, env=os.environ | {"TSAN_OPTIONS": options}
    )
    if "unexpected memory mapping" in done.stderr:
        pytest.skip("ThreadSanitizer does not run under this kernel's address randomisation")
    return done


@pytest.mark.parametrize("kind", ["forward", "backward"])
@pytest.mark.parametrize("team", [1, 2])
def test_no_race(kind: str, team: int, tmp_path: Path) -> None:
    segment = 32 if team == 1 else 16
    done = _run(Plan(PROBLEM, kind, 32, segment, 2, 2, team), tmp_path)
    assert (done.returncode, done.stdout) == (0, "walked\n"), done.stderr[:2000]


def test_a_missing_barrier_is_found(tmp_path: Path) -> None:
    done = _run(Plan(PROBLEM, "forward", 32, 32, 2, 2), tmp_path, "-DWITHOUT_BARRIERS")
    assert done.returncode == RACE
    assert "data race" in done.stderr
