"""Training clips, decoded once, with their flows, as arrays that are mapped from disk.

FOLDER/NAME/luma.npy         [T, H, W] uint8, full range
FOLDER/NAME/chroma.npy       [T, 2, h, w] uint8, full range, centred on 128; h = H/2, w = W/2
FOLDER/NAME/to_previous.npy  [T, h, w, 2] float16, pixels of [h, w]; the first is 0
FOLDER/NAME/to_next.npy      the same to the frame after; the last is 0
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.alignment import Flow, FlowConfig, halved
from vidprop.errors import InputError
from vidprop.training.degradation import Film
from vidprop.training.workers import worker_pool

FIELDS = ("luma", "chroma", "to_previous", "to_next")


@dataclass(frozen=True)
class Clip:
    """One clip in memory or mapped from disk; the fields are those of the module's table."""

    name: str
    luma: NDArray[np.uint8]
    chroma: NDArray[np.uint8]
    to_previous: NDArray[np.float16]
    to_next: NDArray[np.float16]

    def __len__(self) -> int:
        return len(self.luma)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the chroma, the size networks work at."""
        return self.chroma.shape[2], self.chroma.shape[3]


def pack_clips(
    source: Path,
    folder: Path,
    *,
    lines: int = 256,
    frames: int = 96,
    films: bool = True,
    workers: int | None = None,
    progress: Callable[[str], None] = print,
) -> None:
    """Decode every .mp4 of `source` into `folder`; clips already there are left as they are.

    Args:
        lines: the short side of the luma.
        frames: at most so many, from the middle of the clip.
        films: also pack a degraded copy of every third clip (see `degradation`).
    """
    paths = sorted(source.glob("*.mp4"))
    if not paths:
        raise InputError(f"source: {source} holds no .mp4 clips")
    jobs: list[tuple[Path, Path, int | None]] = [(p, folder / p.stem, None) for p in paths]
    if films:
        jobs += [(p, folder / f"{p.stem}~film", n) for n, p in enumerate(paths) if n % 3 == 0]
    jobs = [job for job in jobs if not (job[1] / "to_next.npy").exists()]
    with worker_pool(workers) as pool:
        for name in pool.map(partial(_pack, lines=lines, frames=frames), jobs):
            progress(name)


def load_clips(folder: Path, *, shortest: int = 8, in_memory: bool = False) -> list[Clip]:
    """Open every packed clip of at least `shortest` frames.

    Raises:
        InputError: the folder holds none.
    """
    clips = []
    for place in sorted(p for p in folder.iterdir() if (p / "to_next.npy").exists()):
        arrays = (
            np.load(place / f"{field}.npy", mmap_mode=None if in_memory else "r")
            for field in FIELDS
        )
        clips.append(Clip(place.name, *arrays))
    clips = [clip for clip in clips if len(clip) >= shortest]
    if not clips:
        raise InputError(f"folder: {folder} holds no packed clips; pack them first")
    return clips


def decode(path: Path, lines: int, frames: int) -> Iterator[tuple[NDArray[np.uint8], ...]]:
    """Luma [H, W] and chroma [2, H/2, W/2] of the middle of a clip, full range, 8 bits."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        total = sum(1 for packet in container.demux(stream) if packet.size)
    first = max(0, (total - frames) // 2)
    with av.open(str(path)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index >= first + frames:
                return
            if index >= first:
                yield _planes(frame, lines)


def _planes(frame: av.VideoFrame, lines: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    y, cb, cr = frame.to_ndarray(format="yuv444p").astype(np.float32)
    height, width = y.shape
    scale = lines / min(height, width)
    h, w = (max(8, round(side * scale / 16) * 8) for side in (height, width))
    luma = cv2.resize((y - 16) * (255 / 219), (2 * w, 2 * h), interpolation=cv2.INTER_AREA)
    chroma = [
        cv2.resize((c - 128) * (255 / 224) + 128, (w, h), interpolation=cv2.INTER_AREA)
        for c in (cb, cr)
    ]
    return _bytes(luma), _bytes(np.stack(chroma))


def _bytes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)


def _pack(job: tuple[Path, Path, int | None], lines: int, frames: int) -> str:
    cv2.setNumThreads(1)
    source, folder, seed = job
    decoded = list(decode(source, lines, frames))
    luma, chroma = (np.stack(planes) for planes in zip(*decoded, strict=True))
    if seed is not None:
        luma = Film.sample(np.random.default_rng(seed)).degrade_clip(luma)
    to_previous, to_next = _flows(luma)
    folder.mkdir(parents=True, exist_ok=True)
    for field, array in zip(FIELDS, (luma, chroma, to_previous, to_next), strict=True):
        np.save(folder / f"{field}.npy", array)
    return f"{folder.name}: {len(luma)} frames of {luma.shape[2]}x{luma.shape[1]}"


def _flows(luma: NDArray[np.uint8]) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
    flow = Flow(FlowConfig.coarse())
    h, w = luma.shape[1] // 2, luma.shape[2] // 2
    to_previous, to_next = np.zeros((2, len(luma), h, w, 2), np.float16)
    for t in range(1, len(luma)):
        to_previous[t] = halved(flow(luma[t], luma[t - 1]))
        to_next[t - 1] = halved(flow(luma[t - 1], luma[t]))
    return to_previous, to_next
