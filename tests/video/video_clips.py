"""Tiny clips made by ffmpeg's own sources, and an independent look at files."""

import hashlib
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from vidprop.video._ffmpeg import ffmpeg_path
from vidprop.video.formats import Frame, PlaneFormat, VideoInfo

WIDTH, HEIGHT, COUNT = 48, 32, 6

Maker = Callable[..., Path]


def run_ffmpeg(*arguments: object) -> bytes:
    """Run ffmpeg; what it writes to its standard output."""
    command = [ffmpeg_path(), "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """A maker of clips: `made("a.mp4", "-c:v", "libx264", pix_fmt="yuv420p")`.

    Every clip is made once, however many tests ask for it.
    """
    folder = tmp_path_factory.mktemp("clips")

    def make(
        name: str,
        *options: object,
        pix_fmt: str = "yuv420p",
        size: tuple[int, int] = (WIDTH, HEIGHT),
        rate: str = "24",
        count: int = COUNT,
        before: tuple[object, ...] = (),
    ) -> Path:
        key = repr((name, options, pix_fmt, size, rate, count, before)).encode()
        path = folder / hashlib.md5(key).hexdigest()[:12] / name
        if not path.exists():
            path.parent.mkdir()
            source = ["-f", "lavfi", "-i", f"testsrc2=s=64x64:r={rate}"]
            scaled = f"scale={size[0]}:{size[1]}:flags=bicubic,setsar=1,format={pix_fmt}"
            picture = ["-frames:v", count, "-vf", scaled]
            run_ffmpeg(*source, *before, *picture, *options, path)
        return path

    return make


def packets_of(path: Path, kind: str) -> list[tuple[Fraction, bytes]]:
    """Time and content of a kind of stream's packets, read by PyAV alone."""
    with av.open(str(path)) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        return [
            (Fraction(packet.pts * packet.time_base), bytes(packet))
            for packet in container.demux()
            if packet.size and packet.stream in streams
        ]


def times_of(path: Path) -> list[Fraction]:
    """When the frames of a video are shown, read by PyAV alone."""
    with av.open(str(path)) as container:
        return [Fraction(f.pts * f.time_base) for f in container.decode(video=0)]


def noise_frames(
    stored: PlaneFormat, count: int = 3, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> list[Frame]:
    """Frames of random codes within the range of the format."""
    rng = np.random.default_rng(7)
    width, height = size
    low, high = (0, stored.peak)
    if not stored.full_range:
        low, high = 16 << stored.bit_depth - 8, 235 << stored.bit_depth - 8

    def plane(*shape: int) -> np.ndarray[Any, Any]:
        return rng.integers(low, high + 1, shape, dtype=stored.dtype)

    return [
        Frame(
            index,
            Fraction(index, 24),
            plane(height, width),
            None if stored.grey else plane(2, *stored.chroma_size(height, width)),
        )
        for index in range(count)
    ]


def info_of(stored: PlaneFormat, size: tuple[int, int] = (WIDTH, HEIGHT), **more: Any) -> VideoInfo:
    """A clip of 24 frames a second that lies in no file."""
    return VideoInfo(size[0], size[1], stored, frame_rate=Fraction(24), **more)
