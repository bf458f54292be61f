"""HDR clips made by the virtual camera, with what a camera's curve says of them, on disk.

FOLDER/NAME/luma.npy         [T, H, W] uint8, the guide
FOLDER/NAME/stops.npy        [T, 3, h, w] float16, the truth; h = H/2, w = W/2
FOLDER/NAME/shown.npy        [T, 3, h, w] float16, stops by the curve found from key frames
FOLDER/NAME/trust.npy        [T, h, w] uint8, how far those can be trusted, 255 for 1
FOLDER/NAME/drift.npy        [T, 3] float32, measured change of exposure since the first frame
FOLDER/NAME/to_previous.npy  [T, h, w, 2] float16, pixels of [h, w]; the first is 0
FOLDER/NAME/to_next.npy      the same to the frame after; the last is 0
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.alignment import FlowConfig, consecutive_flows, flow_luma, halved
from vidprop.edits.camera_curve import CameraCurve
from vidprop.edits.camera_exposure import DriftTracker, SmallFrame
from vidprop.edits.camera_fit import KeyPair, fit_curve
from vidprop.edits.hdr import luma_of, radiance_key
from vidprop.errors import InputError

from .virtual_camera import Shot, ShotConfig, render_shot
from .workers import worker_pool

Array = NDArray[Any]
_LAST = "to_next.npy"  # of a clip's files, so that it is whole if this is there


@dataclass(frozen=True)
class HdrClip:
    """One clip in memory or mapped from disk; the fields are those of the module's table."""

    luma: NDArray[np.uint8]
    stops: NDArray[np.float16]
    shown: NDArray[np.float16]
    trust: NDArray[np.uint8]
    drift: NDArray[np.float32]
    to_previous: NDArray[np.float16]
    to_next: NDArray[np.float16]

    def __len__(self) -> int:
        return len(self.luma)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the edit, the size networks work at."""
        return self.trust.shape[1], self.trust.shape[2]


def render_clip(
    rng: np.random.Generator, scenes: Sequence[Path], config: ShotConfig, place: Path | None = None
) -> HdrClip:
    """A random shot, in a scene of one's choice or any, and what the HDR edit sees of it."""
    return clip_of(render_shot(rng, scenes, config, place=place), rng)


def clip_of(shot: Shot, rng: np.random.Generator) -> HdrClip:
    """What the HDR edit sees of a shot whose first frame, or first and last, are key frames."""
    signals = shot.ldr.astype(np.float32) / np.float32(255)
    stops = [radiance_key(frame, *frame.shape[:2]).stops for frame in shot.radiance]
    ends = (0, -1) if rng.random() < 0.5 else (0,)
    curve = fit_curve([KeyPair(signals[i], stops[i]) for i in ends]).curve
    luma = np.stack([flow_luma(luma_of(signal)) for signal in signals])
    frames = [_small(signal, curve) for signal in signals]
    tracker = DriftTracker()
    to_previous, to_next = _flows(luma)
    return HdrClip(
        luma=luma,
        stops=_planes([halve(frame) for frame in stops]),
        shown=_planes([frame.stops for frame in frames]),
        trust=np.stack([np.rint(f.trust.min(axis=-1) * 255).astype(np.uint8) for f in frames]),
        drift=np.stack([tracker.add(frame) for frame in frames]).astype(np.float32),
        to_previous=to_previous,
        to_next=to_next,
    )


def pack_shots(
    scenes: Sequence[Path],
    folder: Path,
    config: ShotConfig,
    *,
    count: int,
    seed: int = 0,
    workers: int | None = None,
    progress: Callable[[str], None] = print,
) -> None:
    """Render `count` clips into `folder`, as many in each scene; what is there is left as it is."""
    places = [scenes[number % len(scenes)] for number in range(count)]
    jobs = [
        (folder / f"{place.stem}~{number:05d}", place, seed + number)
        for number, place in enumerate(places)
    ]
    jobs = [job for job in jobs if not (job[0] / _LAST).exists()]
    with worker_pool(workers) as pool:
        for name in pool.map(partial(_pack, scenes=scenes, config=config), jobs):
            progress(name)


def load_hdr_clips(folder: Path, *, in_memory: bool = False) -> dict[str, HdrClip]:
    """Open every packed clip, by name, in order.

    Raises:
        InputError: the folder holds none.
    """
    mode: Literal["r"] | None = None if in_memory else "r"
    places = sorted(path.parent for path in folder.glob(f"*/{_LAST}")) if folder.is_dir() else []
    if not places:
        raise InputError(f"folder: {folder} holds no packed HDR clips; pack them first")
    names = [field.name for field in fields(HdrClip)]
    return {
        place.name: HdrClip(*(np.load(place / f"{name}.npy", mmap_mode=mode) for name in names))
        for place in places
    }


def split_scenes(
    clips: Mapping[str, HdrClip], every: int = 9
) -> tuple[list[HdrClip], list[HdrClip]]:
    """Clips to train on, and one clip each of scenes that no clip of these is shot in."""
    scenes = sorted({name.rpartition("~")[0] for name in clips})
    kept = set(scenes[every // 2 :: every])
    trained = [clip for name, clip in clips.items() if name.rpartition("~")[0] not in kept]
    firsts = {name.rpartition("~")[0]: clip for name, clip in reversed(list(clips.items()))}
    return trained, [firsts[scene] for scene in sorted(kept)]


def halve(image: Array) -> NDArray[np.float32]:
    """[H, W, C] at half its size."""
    size = (image.shape[1] // 2, image.shape[0] // 2)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _small(signal: Array, curve: CameraCurve) -> SmallFrame:
    luma = flow_luma(halve(luma_of(signal)))
    return SmallFrame(luma, halve(curve.stops(signal)), halve(curve.weights(signal)))


def _planes(frames: Sequence[Array]) -> NDArray[np.float16]:
    return np.stack([frame.transpose(2, 0, 1) for frame in frames]).astype(np.float16)


def _flows(luma: NDArray[np.uint8]) -> Iterator[NDArray[np.float16]]:
    still = np.zeros((1, luma.shape[1] // 2, luma.shape[2] // 2, 2), np.float16)
    for reverse in (False, True):
        flows = consecutive_flows(luma, FlowConfig.coarse(), threads=1, reverse=reverse)
        moving = np.stack([halved(flow) for flow in flows]).astype(np.float16)
        yield np.concatenate([moving, still] if reverse else [still, moving])


def _pack(job: tuple[Path, Path, int], scenes: Sequence[Path], config: ShotConfig) -> str:
    cv2.setNumThreads(1)
    folder, place, seed = job
    clip = render_clip(np.random.default_rng(seed), scenes, config, place)
    folder.mkdir(parents=True, exist_ok=True)
    for field in fields(HdrClip):
        np.save(folder / f"{field.name}.npy", getattr(clip, field.name))
    return f"{folder.name}: {len(clip)} frames of {clip.luma.shape[2]}x{clip.luma.shape[1]}"
