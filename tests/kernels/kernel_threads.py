"""Runs `kernels/*.cu` on CPU threads: `Threads` stands in for `vidprop.ops._cupy` in tests."""

import ctypes
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import vidprop
from vidprop.ops._cupy import Card, Kernel

HERE = Path(__file__).parent
KERNELS = Path(vidprop.__file__).parents[1] / "kernels"
STRUCTURES = {"scan": "Scan", "integrate": "Integrate", "percolumn": "PerColumn"}
CARD = Card(90, 132, 232448, 233472)


def compiler() -> str:
    """The C++ compiler; the test is skipped without one."""
    found = shutil.which("g++")
    if found is None:
        pytest.skip("g++ is not installed: apt-get install g++")
    return found


def flags(kernel: Kernel) -> list[str]:
    """For the compiler, but for the output and what kind it is."""
    structure = STRUCTURES[kernel.file.split("_")[0].removesuffix(".cu")]
    names = {"FILE_NAME": f'"{kernel.file}"', "FUNCTION": kernel.function, "ARGUMENT": structure}
    defines = [f"-D{name}={value}" for name, value in (*kernel.defines, *names.items())]
    warnings = ["-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas"]
    return ["-std=c++20", "-O1", "-pthread", f"-I{KERNELS}", f"-I{HERE}", *warnings, *defines]


class Threads:
    """Compiles a kernel once, runs it with the arguments that a card would get."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.libraries: dict[Kernel, ctypes.CDLL] = {}
        self.launches: list[Kernel] = []

    def card(self, device: torch.device) -> Card:
        return CARD

    def launch(
        self,
        kernel: Kernel,
        argument: NDArray[np.void],
        device: torch.device,
        *,
        blocks: int,
        threads: int,
        shared: int = 0,
    ) -> None:
        assert device.type == "cpu"
        if kernel not in self.libraries:
            self.libraries[kernel] = self.build(kernel)
        self.launches.append(kernel)
        run = self.libraries[kernel].run
        run.argtypes = [ctypes.c_void_p] + [ctypes.c_uint] * 3 + [ctypes.c_size_t]
        pointer = argument.ctypes.data_as(ctypes.c_void_p)
        assert run(pointer, argument.itemsize, blocks, threads, shared) == 0, "sizes differ"

    def build(self, kernel: Kernel) -> ctypes.CDLL:
        library = self.folder / f"kernel{len(self.libraries)}.so"
        command = [compiler(), *flags(kernel), "-fPIC", "-shared", "-o", str(library)]
        subprocess.run([*command, str(HERE / "host_run.cpp")], check=True)
        return ctypes.CDLL(str(library))


def poisoned(allocate: object) -> object:
    """An allocation that comes filled with NaN, so that an unwritten element shows."""

    def fill(*args: object, **options: object) -> torch.Tensor:
        tensor = allocate(*args, **options)  # type: ignore[operator]
        return tensor.fill_(float("nan")) if tensor.is_floating_point() else tensor.fill_(77)

    return fill


def without_none(values: Mapping[str, torch.Tensor | None]) -> dict[str, torch.Tensor]:
    return {name: value for name, value in values.items() if value is not None}
