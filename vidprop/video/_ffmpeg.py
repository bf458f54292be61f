"""An ffmpeg process that takes planes and writes a file.

The planes travel as NUT, raw video with its timestamps, so that one process encodes,
keeps variable rates exactly, and copies sound and the rest from the source. Its standard
error is drained all the time; its queues and the pipe bound the memory.
"""

import os
import re
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import IO

import imageio_ffmpeg

from vidprop.errors import EncodeError

_LINES_KEPT = 60
# Not told to it by a signal, ffmpeg ends when its input does; then it has index and
# duration to write, and with faststart the whole file to move.
_SECONDS_TO_DIE = 10
_PREFIX = re.compile(r"^(\[[^\]]*\]\s*)+")
_PLAIN = {
    "No space left on device": "the disk is full",
    "Permission denied": "permission denied",
    "File too large": "the file is too large for this disk",
}


@cache
def ffmpeg_path() -> str:
    """The ffmpeg that imageio-ffmpeg brings, or the one IMAGEIO_FFMPEG_EXE names.

    Raises:
        EncodeError: there is none.
    """
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise EncodeError(
            "no ffmpeg found: install imageio-ffmpeg's wheel, or name one in IMAGEIO_FFMPEG_EXE"
        ) from error


@cache
def has_option(name: str) -> bool:
    """Whether this ffmpeg has an option."""
    help_text = subprocess.run(
        [ffmpeg_path(), "-hide_banner", "-h", "long"], capture_output=True, text=True, check=False
    ).stdout
    return re.search(rf"^-{re.escape(name)}\b", help_text, re.MULTILINE) is not None


class FFmpeg:
    """One run, fed through `stdin`; end it with `finish` or `kill`."""

    def __init__(self, arguments: Sequence[str], target: str) -> None:
        self._target = target
        self._lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._process = subprocess.Popen(
            [ffmpeg_path(), "-hide_banner", "-nostdin", "-v", "error", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "SVT_LOG": "1"},
            # Ctrl-C is for us alone: we decide what becomes of the file.
            start_new_session=True,
        )
        self._drain = threading.Thread(target=self._read_lines, daemon=True)
        self._drain.start()

    @property
    def stdin(self) -> IO[bytes]:
        """Where the input goes."""
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def finish(self) -> None:
        """Close the input and wait for the file.

        Raises:
            EncodeError: ffmpeg failed.
        """
        self._close_stdin()
        code = self._process.wait()
        self._drain.join()
        if code:
            raise self.error(code)

    def kill(self) -> None:
        """End it at once; nothing is left running."""
        self._process.kill()
        self._close_stdin()
        self._process.wait(_SECONDS_TO_DIE)
        self._drain.join(_SECONDS_TO_DIE)

    def failure(self) -> EncodeError:
        """Why it stopped taking input."""
        self._close_stdin()
        code = self._process.wait(_SECONDS_TO_DIE)
        self._drain.join(_SECONDS_TO_DIE)
        return self.error(code)

    def error(self, code: int) -> EncodeError:
        """Its last words as one line, all of them as details."""
        lines = list(self._lines)
        if code < 0:
            reason = f"ffmpeg was ended midway by signal {-code}"
        else:
            reason = _reason(lines) or f"ffmpeg ended with code {code}"
        return EncodeError(f"{self._target}: {reason}", "\n".join(lines))

    def _close_stdin(self) -> None:
        with suppress(OSError):  # what was still to be flushed may have nobody to read it
            self.stdin.close()

    def _read_lines(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for line in stream:
                self._lines.append(line.decode(errors="replace").rstrip())


def _reason(lines: list[str]) -> str:
    for words, plain in _PLAIN.items():
        if any(words in line for line in lines):
            return plain
    # The first complaint is the cause, what follows are its consequences.
    texts = [_PREFIX.sub("", line).strip() for line in lines]
    return next((f"ffmpeg says: {text}" for text in texts if text), "")
