"""The colour task: chroma carried along clips, from one key frame or between two."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vidprop.networks.temporal import Seen, TemporalConfig, TemporalNetwork
from vidprop.training.clips import Clip
from vidprop.training.loop import Metrics
from vidprop.training.losses import EditLoss, chroma_psnr, chroma_to_rgb
from vidprop.training.streams import Remembered, Sequence, Streams, fields_of, walk, walked

Array = NDArray[np.float32]


@dataclass(frozen=True)
class ColourConfig:
    """How sequences are cut from clips.

    Attributes:
        crop: rows and columns of the working size (half of the guide's).
        smallest: clips are shrunk by a factor between this and 1.
        streams: walked together; frames: that each goes further in a step.
        longest: most frames between a key frame and a frame.
        switchable: walk each sequence both ways at once.
        clean: share of sequences whose guide is left as it is.
    """

    crop: tuple[int, int] = (96, 128)
    smallest: float = 0.6
    streams: int = 4
    frames: int = 3
    longest: int = 60
    switchable: bool = True
    clean: float = 0.5
    seed: int = 0


class ClipSource:
    """Random crops of random clips, every clip equally often."""

    def __init__(self, clips: list[Clip], config: ColourConfig) -> None:
        self._clips, self._config = clips, config

    def sequence(self, rng: np.random.Generator, frames: int, switched: bool) -> Sequence:
        clip = self._clips[rng.integers(len(self._clips))]
        step = self._config.frames
        surplus = max(0, frames - len(clip))
        frames -= -(-surplus // step) * step
        first = rng.integers(len(clip) - frames + 1)
        cut = _Cut.sample(rng, clip.size, self._config)
        shade = _Shade.sample(rng, self._config.clean)
        now = slice(first, first + frames)
        return walked(
            np.stack([shade.luma(cut.luma(x)) for x in clip.luma[now]]),
            np.stack([shade.chroma(cut.chroma(x)) for x in clip.chroma[now]]),
            np.stack([cut.flow(x) for x in clip.to_previous[now]]),
            np.stack([cut.flow(x) for x in clip.to_next[now]]),
            switched,
        )


@dataclass(frozen=True)
class _Cut:
    """A window of a frame, in pixels of the chroma, brought to the crop's size and flipped."""

    top: int
    left: int
    rows: int
    columns: int
    size: tuple[int, int]
    flip: bool

    @classmethod
    def sample(
        cls, rng: np.random.Generator, frame: tuple[int, int], config: ColourConfig
    ) -> "_Cut":
        h, w = config.crop
        scale = max(rng.uniform(config.smallest, 1), h / frame[0], w / frame[1])
        rows, columns = min(frame[0], round(h / scale)), min(frame[1], round(w / scale))
        top = int(rng.integers(frame[0] - rows + 1))
        left = int(rng.integers(frame[1] - columns + 1))
        return cls(top, left, rows, columns, (h, w), bool(rng.integers(2)))

    def luma(self, plane: NDArray[np.uint8]) -> Array:
        """[2H, 2W] bytes -> [2h, 2w], 0 to 1."""
        part = plane[2 * self.top :, 2 * self.left :][: 2 * self.rows, : 2 * self.columns]
        return self._resized(part, 2) / np.float32(255)

    def chroma(self, planes: NDArray[np.uint8]) -> Array:
        """[2, H, W] bytes -> [2, h, w], -0.5 to 0.5."""
        part = planes[:, self.top :, self.left :][:, : self.rows, : self.columns]
        resized = np.stack([self._resized(p, 1) for p in part])
        return (resized - 128) / np.float32(255)

    def flow(self, flow: NDArray[np.float16]) -> Array:
        """[H, W, 2] -> [h, w, 2], in pixels of the crop."""
        part = flow[self.top :, self.left :][: self.rows, : self.columns]
        scale = np.array([self.size[1] / self.columns, self.size[0] / self.rows], np.float32)
        if self.flip:
            scale[0] *= -1
        return self._resized(part, 1) * scale

    def _resized(self, part: NDArray[Any], times: int) -> Array:
        h, w = self.size
        shape = (times * w, times * h)
        image = np.ascontiguousarray(part, np.float32)
        resized: Array = cv2.resize(image, shape, interpolation=cv2.INTER_AREA)
        return resized[:, ::-1] if self.flip else resized


@dataclass(frozen=True)
class _Shade:
    """A change of contrast, and of all colours at once: what is propagated is arbitrary."""

    gain: float
    offset: float
    gamma: float
    turn: NDArray[np.float32]

    @classmethod
    def sample(cls, rng: np.random.Generator, clean: float) -> "_Shade":
        angle = rng.uniform(0, 2 * np.pi) if rng.random() < 0.5 else 0.0
        c, s = np.cos(angle), np.sin(angle)
        turn = (np.array([[c, -s], [s, c]]) * rng.uniform(0.7, 1.4)).astype(np.float32)
        if rng.random() < clean:
            return cls(1, 0, 1, turn)
        gain = rng.uniform(0.6, 1)
        return cls(gain, rng.uniform(0, 1 - gain), float(np.exp(rng.uniform(-0.4, 0.4))), turn)

    def luma(self, luma: Array) -> Array:
        return np.float32(self.offset) + np.float32(self.gain) * luma ** np.float32(self.gamma)

    def chroma(self, chroma: Array) -> Array:
        return np.einsum("ij,jhw->ihw", self.turn, chroma)


class ColourTask:
    """See the module; alternates between one key frame and two."""

    name = "colour"

    def __init__(
        self, clips: list[Clip], held_out: list[Clip], config: ColourConfig | None = None,
        network: TemporalConfig | None = None, loss: EditLoss | None = None,
    ) -> None:  # fmt: skip
        self.config = config = config or ColourConfig()
        self._network = network or TemporalConfig()
        self._held_out = held_out
        self._loss = loss or EditLoss(chroma_to_rgb(), floor=0.002)
        source = ClipSource(clips, config)
        self._streams = [
            Streams(source, config.streams, config.frames, both, config.seed, config.longest,
                    config.switchable)
            for both in (False, True)
        ]  # fmt: skip
        self._memory: list[Remembered | None] = [None, None]

    def network(self) -> TemporalNetwork:
        return TemporalNetwork(self._network)

    def batch(self, step: int) -> dict[str, Any]:
        side = step % 2
        return {"side": side, **self._streams[side].next()}

    def loss(self, network: nn.Module, batch: dict[str, Any]) -> tuple[Tensor, Metrics]:
        side = batch.pop("side")
        assert isinstance(network, TemporalNetwork)
        estimates, chains, memory = walk(network, batch, self._memory[side])
        self._memory[side] = memory.detach()
        truths = batch["edit"].unbind(1)
        loss, error, of_chain = self._loss(estimates, chains, truths)
        sides = ("one", "two")[side]
        return loss, {f"error_{sides}": error, f"gain_{sides}": of_chain / max(error, 1e-9)}

    @torch.no_grad()
    def validate(self, network: nn.Module) -> Metrics:
        assert isinstance(network, TemporalNetwork)
        totals: dict[str, list[float]] = {}
        for clip in self._held_out:
            for name, both in (("one", False), ("two", True)):
                ours, chain = _psnr(network, clip, both)
                totals.setdefault(f"psnr_{name}", []).append(ours)
                totals.setdefault(f"chain_{name}", []).append(chain)
        means = {name: float(np.mean(values)) for name, values in totals.items()}
        return {"psnr": (means["psnr_one"] + means["psnr_two"]) / 2, **means}

    @torch.no_grad()
    def sheet(self, network: nn.Module) -> NDArray[np.uint8]:
        assert isinstance(network, TemporalNetwork)
        return np.concatenate([_strip(network, clip) for clip in self._held_out[:4]])

    def state(self) -> dict[str, Any]:
        memories = [None if m is None else _pack(m) for m in self._memory]
        return {"streams": [s.state() for s in self._streams], "memory": memories}

    def restore(self, state: dict[str, Any]) -> None:
        for streams, kept in zip(self._streams, state["streams"], strict=True):
            streams.restore(kept)
        self._memory = [None if m is None else _unpack(m) for m in state["memory"]]


def _estimates(network: TemporalNetwork, clip: Clip, both: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Estimates, flow chains and truths [T, 2, h, w] of the frames after the first."""
    frames = min(31, len(clip))
    cut = slice(0, frames)
    sequence = walked(
        clip.luma[cut].astype(np.float32) / 255,
        ((clip.chroma[cut].astype(np.float32) - 128) / 255).astype(np.float32),
        clip.to_previous[cut].astype(np.float32),
        clip.to_next[cut].astype(np.float32),
        switched=False,
    )
    streams = Streams(_Fixed(sequence), 2, frames - 1 - both, both, 0, frames - 1 - both)
    device = next(network.parameters()).device
    batch = {name: value[:1].to(device) for name, value in streams.next().items()}
    estimates, chains, _ = walk(network, batch, None)
    return torch.cat([e.edit for e in estimates]), torch.cat(chains), batch["edit"][0]


@dataclass(frozen=True)
class _Fixed:
    whole: Sequence

    def sequence(self, rng: np.random.Generator, frames: int, switched: bool) -> Sequence:
        return self.whole


def _psnr(network: TemporalNetwork, clip: Clip, both: bool) -> tuple[float, float]:
    ours, chain, truth = _estimates(network, clip, both)
    return chroma_psnr(ours, truth), chroma_psnr(chain, truth)


def _strip(network: TemporalNetwork, clip: Clip) -> NDArray[np.uint8]:
    """Truth, flow chain and ours, one above the other, at three frames beside each other."""
    ours, chain, truth = _estimates(network, clip, both=False)
    matrix = chroma_to_rgb()
    picks = [len(truth) // 4, len(truth) // 2, len(truth) - 1]
    rows = []
    for edits in (truth, chain, ours):
        row = []
        for t in picks:
            luma = cv2.resize(clip.luma[t + 1], (224, 128), interpolation=cv2.INTER_AREA)
            rgb = np.einsum("rc,chw->hwr", matrix, edits[t].float().cpu().numpy())
            rgb = cv2.resize(rgb, (224, 128)) + luma[..., None] / np.float32(255)
            row.append(np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8))
        rows.append(np.concatenate(row, 1))
    return np.concatenate(rows)


def _pack(memory: Remembered) -> list[Tensor]:
    return [*fields_of(memory.seen), memory.edit, memory.confidence]


def _unpack(tensors: list[Tensor]) -> Remembered:
    return Remembered(Seen(*tensors[:-2]), *tensors[-2:])
