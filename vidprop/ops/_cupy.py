"""The only file that imports CuPy: compiles kernels of `vidprop.kernels` and launches them.

A kernel is a .cu file, a function in it and the `-D` it is compiled with. Nothing is
imported, read or compiled before the first launch.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vidprop.errors import BackendError

__all__ = ["Card", "Kernel", "card", "check", "launch", "source"]

_INCLUDE = re.compile(r'^#include "(\w+\.cuh)"$', re.MULTILINE)


@dataclass(frozen=True)
class Card:
    """What a launch is planned for; `shared` counts bytes of shared memory."""

    arch: int
    multiprocessors: int
    shared_per_block: int
    shared_per_multiprocessor: int


@dataclass(frozen=True)
class Kernel:
    """A function of a .cu file, compiled with `defines`."""

    file: str
    function: str
    defines: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, file: str, function: str, defines: Mapping[str, object]) -> "Kernel":
        """The same from a mapping of names to what they stand for."""
        return cls(file, function, tuple((name, str(value)) for name, value in defines.items()))

    @property
    def options(self) -> tuple[str, ...]:
        """For the run-time compiler."""
        return ("-std=c++17", *(f"-D{name}={value}" for name, value in self.defines))


def launch(
    kernel: Kernel,
    argument: NDArray[np.void],
    device: torch.device,
    *,
    blocks: int,
    threads: int,
    shared: int = 0,
) -> None:
    """Run `kernel` on PyTorch's current stream of `device`, its one argument passed by value.

    Args:
        argument: of size 1, laid out as the kernel's structure.
        shared: bytes of dynamic shared memory of a block.
    Raises:
        BackendError: CuPy is not installed.
    """
    cupy = check()
    stream = torch.cuda.current_stream(device).cuda_stream
    with torch.cuda.device(device), cupy.cuda.ExternalStream(stream, device.index):
        function = _function(kernel, torch.cuda.current_device(), shared)
        function((blocks,), (threads,), (argument,), shared_mem=shared)


@cache
def check() -> ModuleType:
    """CuPy, or a BackendError that names the line which installs it."""
    try:
        import cupy
    except ImportError as missing:
        extra = "cuda12" if (torch.version.cuda or "").startswith("12") else "cuda13"
        raise BackendError(
            f"CUDA tensors need CuPy: pip install 'vidprop[{extra}]' ({missing})"
        ) from missing
    return cupy


@cache
def card(device: torch.device) -> Card:
    """The properties of `device`."""
    found = torch.cuda.get_device_properties(device)
    attributes = check().cuda.Device(found_index(device)).attributes
    return Card(
        arch=10 * found.major + found.minor,
        multiprocessors=found.multi_processor_count,
        shared_per_block=attributes["MaxSharedMemoryPerBlockOptin"],
        shared_per_multiprocessor=attributes["MaxSharedMemoryPerMultiprocessor"],
    )


def found_index(device: torch.device) -> int:
    """The number of a CUDA device, the current one's if it has none."""
    return torch.cuda.current_device() if device.index is None else device.index


@cache
def source(file: str) -> str:
    """The text of a kernel's file with the files it includes put in their places.

    CuPy's cache on disk knows a kernel by its source and would not see an included file change.
    """
    seen: set[str] = set()

    def text(name: str) -> str:
        if name in seen:
            return ""
        seen.add(name)
        read = files("vidprop.kernels").joinpath(name).read_text(encoding="utf-8")
        return _INCLUDE.sub(lambda found: text(found[1]), read.replace("#pragma once\n", ""))

    return text(file)


@cache
def _function(kernel: Kernel, device: int, shared: int) -> Any:
    module = check().RawModule(code=source(kernel.file), options=kernel.options)
    function = module.get_function(kernel.function)
    # Past 48 KiB a kernel has to ask; `device` is in the key since the answer is the device's.
    function.max_dynamic_shared_size_bytes = shared
    return function
