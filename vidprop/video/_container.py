"""Opening media files with PyAV, and its errors in one line."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av

from vidprop.errors import DecodeError


@contextmanager
def open_media(path: Path) -> Iterator[Any]:
    """An `av.container.InputContainer`, closed at the end.

    Raises:
        DecodeError: there is no such file, or it is not a media file.
    """
    if not path.is_file():
        raise DecodeError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise DecodeError(f"{path}: the file is empty")
    with reading(path), av.open(_address(path), metadata_errors="replace") as container:
        yield container


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn PyAV's errors into DecodeError."""
    try:
        yield
    except (av.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DecodeError(f"{path}: not a readable video ({reason})", str(error)) from error


def video_stream(container: Any, path: Path) -> Any:
    """The main video stream; a cover picture is none.

    Raises:
        DecodeError: there is no video.
    """
    stream = container.streams.best("video")
    if stream is None:
        kinds = ", ".join(sorted({s.type for s in container.streams})) or "nothing"
        raise DecodeError(f"{path}: no video in it, only {kinds}")
    return stream


def use_threads(stream: Any) -> None:
    """Decode on several cores; every one of them holds frames, so not on too many."""
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = min(os.cpu_count() or 1, 8)


def _address(path: Path) -> str:
    # Without the prefix a colon in a name would be taken for a protocol.
    return f"file:{path}"
