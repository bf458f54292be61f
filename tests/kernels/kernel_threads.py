"""Runs `kernels/*.cu` on CPU threads: `Threads` stands in for `vidprop.ops._cupy` in tests."""

import ctypes
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

import vidprop
from vidprop.ops._cupy import Card, Kernel

HERE = Path(__file__).parent
KERNELS = Path(vidprop.__file__).parents[1] / "kernels"
STRUCTURES = {"scan": "Scan", "integrate": "Integrate", "percolumn": "PerColumn", "match": "Match"}
H200 = Card(90, 132, 232448, 233472)


def compile_command(kernel: Kernel) -> list[str]:
    """The C++ compiler and its options but for the source and the output; skips without one."""
    found = shutil.which("g++")
    if found is None:
        pytest.skip("g++ is not installed: apt-get install g++")
    structure = STRUCTURES[kernel.file.split("_")[0].removesuffix(".cu")]
    names = {"FILE_NAME": f'"{kernel.file}"', "FUNCTION": kernel.function, "ARGUMENT": structure}
    defines = [f"-D{name}={value}" for name, value in (*kernel.defines, *names.items())]
    warnings = ["-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas"]
    options = ["-std=c++20", "-O1", "-pthread", f"-I{KERNELS}", f"-I{HERE}"]
    return [found, *options, *warnings, *defines]


class Threads:
    """Compiles a kernel once, runs it with the arguments that a card would get."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.libraries: dict[Kernel, ctypes.CDLL] = {}

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
        """As `vidprop.ops._cupy.launch`."""
        assert device.type == "cpu"
        if kernel not in self.libraries:
            self.libraries[kernel] = self._build(kernel)
        run = self.libraries[kernel].run
        run.argtypes = [ctypes.c_void_p] + [ctypes.c_uint] * 3 + [ctypes.c_size_t]
        pointer = argument.ctypes.data_as(ctypes.c_void_p)
        same = run(pointer, argument.itemsize, blocks, threads, shared) == 0
        assert same, f"Python and {kernel.file} differ about the argument's size"

    def _build(self, kernel: Kernel) -> ctypes.CDLL:
        library = self.folder / f"kernel{len(self.libraries)}.so"
        command = [*compile_command(kernel), "-fPIC", "-shared", "-o", str(library)]
        subprocess.run([*command, str(HERE / "host_run.cpp")], check=True)
        return ctypes.CDLL(str(library))


def poisoned(allocate: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The allocation filled with NaN, so that an element nobody writes shows."""

    def fill(*args: Any, **options: Any) -> Tensor:
        tensor = allocate(*args, **options)
        return tensor.fill_(float("nan") if tensor.is_floating_point() else 77)

    return fill


def assert_within_budget(name: str, ours: Tensor, single: Tensor, double: Tensor) -> None:
    """As close to the float64 reference as the float32 one is, up to rounding of the result."""
    assert ours.shape == double.shape
    error, size = (ours.double() - double).abs().max(), double.abs().max()
    budget = 4 * (single.double() - double).abs().max() + 4 * torch.finfo(ours.dtype).eps * size
    assert error <= budget, f"{name}: off by {error:.3g}, {budget:.3g} allowed"


def outcome(
    function: Callable[..., Tensor], tensors: Sequence[Tensor], weights: Tensor
) -> list[Tensor]:
    """The value, and the gradient of every tensor of its sum weighted by `weights`."""
    leaves = [t.detach().requires_grad_() for t in tensors]
    value = function(*leaves)
    return [value.detach(), *torch.autograd.grad(value, leaves, weights.to(value.dtype))]
