"""Outputs that appear whole or not at all: written under another name, then renamed."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vidprop.errors import EncodeError


def temporary_beside(path: Path) -> Path:
    """The name under which `path` is being made: hidden, in the same folder.

    Always the same, so that a killed run leaves at most one behind, and the next takes it.
    """
    return path.with_name(f".{path.name}.part")


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A temporary file to write; renamed to `path` at the end, removed after an error.

    Raises:
        EncodeError: the file cannot be made or renamed.
    """
    temporary = temporary_beside(path)
    try:
        with writing(path):
            yield temporary
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the system's errors into EncodeError."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = "the disk is full" if full else f"cannot be written ({error.strerror})"
        raise EncodeError(f"{path}: {reason}") from error


def check_target(path: Path, *, overwrite: bool, sources: tuple[Path | None, ...] = ()) -> None:
    """Refuse what cannot become an output, before any work is done.

    Raises:
        EncodeError: the folder does not exist or cannot be written, the file is there
            and `overwrite` is False, or it is one of `sources`.
    """
    if not path.parent.is_dir():
        raise EncodeError(f"{path}: the folder {path.parent} does not exist")
    if path.is_dir():
        raise EncodeError(f"{path}: is a folder, not a file")
    if any(source is not None and is_same(path, source) for source in sources):
        raise EncodeError(f"{path}: the output is the input itself; give it another name")
    if path.exists() and not overwrite:
        raise EncodeError(f"{path}: the file exists already; choose another or allow --overwrite")
    _check_writable(path)


def is_same(path: Path, other: Path) -> bool:
    """Whether two names are of one file."""
    try:
        return path.samefile(other)
    except OSError:
        return path.absolute() == other.absolute()


def _check_writable(path: Path) -> None:
    temporary = temporary_beside(path)
    with writing(path):
        # A new file, should an older run still be writing to one of that name.
        temporary.unlink(missing_ok=True)
        temporary.touch()
        temporary.unlink()
