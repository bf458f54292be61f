"""`vidprop doctor`: what is installed and usable, and the line that mends what is not."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vidprop.errors import BackendError

HELP = """Say what is installed and usable, and what would mend the rest.

Exit status 0 if vidprop can work here, on the CPU at least; else 1.
"""

_ENCODERS = ("libx264", "libx265", "libsvtav1", "prores_ks", "ffv1")
_REINSTALL = "pip install --force-reinstall {}"


@dataclass(frozen=True)
class Finding:
    """One line of the report; `needed` if nothing works without it, `mend` if it is missing."""

    name: str
    found: str
    mend: str = ""
    needed: bool = True


class _MissingError(Exception):
    """Why a check failed, and the line that mends it."""

    def __init__(self, why: str, mend: str) -> None:
        super().__init__(why)
        self.mend = mend


def command() -> None:
    findings = examine()
    _show(findings)
    broken = [finding.name for finding in findings if finding.mend and finding.needed]
    if broken:
        typer.echo(f"vidprop: not usable without {', '.join(broken)}", err=True)
        raise typer.Exit(1)


def examine() -> list[Finding]:
    """Every check, in the order of the report."""
    return [_outcome(name, check, needed) for name, check, needed in _CHECKS]


def _outcome(name: str, check: Callable[[], str], needed: bool) -> Finding:
    try:
        return Finding(name, check(), needed=needed)
    except _MissingError as missing:
        return Finding(name, str(missing), missing.mend, needed)


def _show(findings: list[Finding]) -> None:
    table = Table(box=None, show_header=False)
    for finding in findings:
        mark = "ok" if not finding.mend else ("MISSING" if finding.needed else "-")
        table.add_row(finding.name, mark, Text(finding.found))
        if finding.mend:
            table.add_row("", "", Text(f"mend: {finding.mend}"))
    Console(soft_wrap=True, highlight=False).print(table)


def _import(module: str, package: str) -> str:
    """The package's version, once its module has been imported."""
    try:
        import_module(module)
        return version(package)
    except (ImportError, OSError, PackageNotFoundError) as error:
        raise _MissingError(f"{package}: {error}", _REINSTALL.format(package)) from error


def _torch() -> str:
    release = _import("torch", "torch")
    import torch

    return f"{release}, {torch.get_num_threads()} threads"


def _device() -> str:
    import torch

    if not torch.cuda.is_available():
        built = torch.version.cuda
        return "CPU; no CUDA device" + ("" if built else " (PyTorch built without CUDA)")
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return f"CUDA {torch.version.cuda}: {', '.join(names)}"


def _cupy() -> str:
    import torch

    if not torch.cuda.is_available():
        return "not needed without a CUDA device"
    from vidprop.ops import _cupy as backend

    try:
        cupy = backend.check()
        compiler = ".".join(map(str, cupy.cuda.nvrtc.getVersion()))
    except BackendError as error:
        why, _, mend = str(error).partition(": ")
        raise _MissingError(why, mend.partition(" (")[0]) from error
    except (RuntimeError, ImportError, OSError) as error:
        mend = "pip install 'vidprop[cuda12]' or 'vidprop[cuda13]', as nvidia-smi says"
        raise _MissingError(f"CuPy's compiler: {error}", mend) from error
    return f"{cupy.__version__}, NVRTC {compiler}"


def _numba() -> str:
    release = _import("numba", "numba")
    from vidprop.ops.scan._work import kept_in

    folder = kept_in()
    kept = f"compiled code kept in {folder}" if folder else "compiled anew by every process"
    return f"{release}; {kept}"


def _ffmpeg() -> str:
    release = _import("imageio_ffmpeg", "imageio-ffmpeg")
    mend = _REINSTALL.format("imageio-ffmpeg")
    try:
        import imageio_ffmpeg

        binary = imageio_ffmpeg.get_ffmpeg_exe()
        listed = subprocess.run(
            [binary, "-hide_banner", "-encoders"], capture_output=True, text=True, check=True
        ).stdout
        found = imageio_ffmpeg.get_ffmpeg_version()
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        raise _MissingError(f"imageio-ffmpeg {release}: {error}", mend) from error
    known = {word for line in listed.splitlines() for word in line.split()[1:2]}
    absent = [encoder for encoder in _ENCODERS if encoder not in known]
    if absent:
        unset = "unset IMAGEIO_FFMPEG_EXE, or name a binary that has them"
        raise _MissingError(f"{found} at {binary} lacks {', '.join(absent)}", unset)
    return f"{found}, with {', '.join(_ENCODERS)}"


_CHECKS: tuple[tuple[str, Callable[[], str], bool], ...] = (
    ("PyTorch", _torch, True),
    ("device", _device, True),
    ("CuPy", _cupy, False),
    ("Numba", _numba, True),
    ("ffmpeg", _ffmpeg, True),
    ("OpenCV", lambda: _import("cv2", "opencv-python"), True),
    ("PyAV", lambda: _import("av", "av"), True),
    ("OpenEXR", lambda: _import("OpenEXR", "OpenEXR"), True),
)
