"""The HDR task: log radiance carried along clips, beside what a camera's curve gives."""

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from vidprop.edits.camera_exposure import exposures, offset
from vidprop.edits.hdr import STOPS_PER_UNIT, middle_of
from vidprop.networks.temporal import Estimate, TemporalConfig, TemporalNetwork
from vidprop.training.carrying import Carrying
from vidprop.training.hdr_clips import HdrClip
from vidprop.training.loop import Metrics
from vidprop.training.losses import EditLoss
from vidprop.training.streams import Sequence, Streams, walk, walked

Array = NDArray[Any]

# Below so many stops under the middle differences are hardly seen, and count ever less.
_DARK = 5.0
_DEEPEST = 14.0
# The share of errors that does not count where the curve can be trusted: the frame's own
# picture has the last word there, but exposure is still measured by what was carried.
_SHOWN = 0.25


def hdr_network() -> TemporalConfig:
    """The temporal network for log radiance, with the camera curve as a further candidate."""
    return TemporalConfig(
        edit_channels=3, edit_gain=4.0, extra_candidates=1, gain=False, pointwise=False
    )


@dataclass(frozen=True)
class HdrConfig:
    """How sequences are cut from clips.

    Attributes:
        crop: rows and columns of the working size (half of the guide's).
        streams: walked together; frames: that each goes further in a step.
        longest: most frames between a key frame and a frame.
        switchable: walk each sequence both ways at once.
    """

    crop: tuple[int, int] = (96, 128)
    streams: int = 4
    frames: int = 3
    longest: int = 40
    switchable: bool = True
    seed: int = 0


class ShotSource:
    """Random crops of random clips; see `streams.Source`.

    both: whether sequences end with a key frame too.
    """

    def __init__(self, clips: list[HdrClip], config: HdrConfig, both: bool) -> None:
        self._clips, self._config, self._both = clips, config, both

    def sequence(self, rng: np.random.Generator, frames: int, switched: bool) -> Sequence:
        """See `streams.Source.sequence`."""
        clip = self._clips[rng.integers(len(self._clips))]
        step = self._config.frames
        frames -= -(-max(0, frames - len(clip)) // step) * step
        first = int(rng.integers(len(clip) - frames + 1))
        crop = _Crop.sample(rng, clip.size, self._config.crop)
        channels = rng.permutation(3) if rng.random() < 0.5 else np.arange(3)
        now = slice(first, first + frames)
        return sequence_of(clip, now, self._both, switched, crop, channels)


@dataclass(frozen=True)
class _Crop:
    """A window of the edit [h, w], flipped or not; None for all of it."""

    rows: slice = field(default_factory=lambda: slice(None))
    columns: slice = field(default_factory=lambda: slice(None))
    flip: bool = False

    @classmethod
    def sample(
        cls, rng: np.random.Generator, frame: tuple[int, int], size: tuple[int, int]
    ) -> "_Crop":
        h, w = (min(pair) for pair in zip(frame, size, strict=True))
        top, left = (int(rng.integers(a - b + 1)) for a, b in zip(frame, (h, w), strict=True))
        return cls(slice(top, top + h), slice(left, left + w), bool(rng.integers(2)))

    def planes(self, planes: Array) -> NDArray[np.float32]:
        """[..., h, w]."""
        part = planes[..., self.rows, self.columns].astype(np.float32)
        return part[..., ::-1] if self.flip else part

    def luma(self, luma: Array) -> NDArray[np.float32]:
        """[T, 2h, 2w] bytes, as 0 to 1."""
        doubled = _Crop(_doubled(self.rows), _doubled(self.columns), self.flip)
        return doubled.planes(luma) / np.float32(255)

    def flow(self, flow: Array) -> NDArray[np.float32]:
        """[T, h, w, 2]."""
        part = flow[:, self.rows, self.columns].astype(np.float32)
        return part[:, :, ::-1] * np.array([-1, 1], np.float32) if self.flip else part


def sequence_of(
    clip: HdrClip,
    now: slice,
    both: bool,
    switched: bool,
    crop: _Crop | None = None,
    channels: Array | None = None,
) -> Sequence:
    """Frames of a clip as the network sees them: exposure found from the key frames alone."""
    crop = crop or _Crop()
    order = np.arange(3) if channels is None else channels
    truth, shown = (crop.planes(planes[now]) for planes in (clip.stops, clip.shown))
    trust = crop.planes(clip.trust[now]) / np.float32(255)
    first, last = (_offset(clip, now, end) for end in (0, -1))
    near = (None, last) if switched else (first, None)
    found = exposures(list(clip.drift[now]), *((first, last) if both else near))
    middle = middle_of(clip.stops[now][-1 if switched else 0].astype(np.float32))
    known = _edit(truth - _spread(found.light), middle)
    curve = _edit(shown + _spread(found.offsets - found.light), middle)
    extra = np.concatenate([curve[:, order], trust[:, None]], axis=1)[:, None]
    return walked(
        crop.luma(clip.luma[now]),
        known[:, order],
        crop.flow(clip.to_previous[now]),
        crop.flow(clip.to_next[now]),
        switched,
        extra,
    )


class HdrTask(Carrying):
    """See the module; alternates between one key frame and two."""

    name = "hdr"

    def __init__(
        self, clips: list[HdrClip], held_out: list[HdrClip], config: HdrConfig | None = None,
        network: TemporalConfig | None = None,
    ) -> None:  # fmt: skip
        self.config = c = config or HdrConfig()
        self._held_out = held_out
        one, two = (
            Streams(ShotSource(clips, c, both), c.streams, c.frames, both, c.seed, c.longest,
                    c.switchable)
            for both in (False, True)
        )  # fmt: skip
        super().__init__(network or hdr_network(), (one, two), VisibleLoss())

    def _measured(
        self, estimates: list[Estimate], chains: list[Tensor], batch: dict[str, Tensor]
    ) -> tuple[Tensor, float, float]:
        truths, extras = batch["edit"].unbind(1), batch["extra"][:, :, 0].unbind(1)
        shares = [(1 - _SHOWN * extra[:, -1:]) for extra in extras]
        counted = [
            Estimate(torch.lerp(truth, e.edit, share), e.confidence)
            for truth, e, share in zip(truths, estimates, shares, strict=True)
        ]
        warped = [torch.lerp(*parts) for parts in zip(truths, chains, shares, strict=True)]
        return self._measure(counted, warped, truths)

    @torch.no_grad()
    def validate(self, network: nn.Module) -> Metrics:
        """Errors on held-out clips, in stops, of what is kept where the curve is not trusted.

        The score is higher for smaller ones.
        """
        assert isinstance(network, TemporalNetwork)
        totals: dict[str, list[float]] = {}
        for clip in self._held_out:
            for name, both in (("one", False), ("two", True)):
                for method, error in _errors(network, clip, both).items():
                    totals.setdefault(f"{method}_{name}", []).append(error)
        means = {name: float(np.mean(values)) for name, values in totals.items()}
        return {"score": -(means["ours_one"] + means["ours_two"]) / 2, **means}

    @torch.no_grad()
    def sheet(self, network: nn.Module) -> NDArray[np.uint8]:
        """Truth, curve, flow chain and ours, one above the other, at three frames."""
        assert isinstance(network, TemporalNetwork)
        return np.concatenate([_strip(network, clip) for clip in self._held_out[:4]])


class VisibleLoss:
    """`EditLoss` on what is seen of radiance: its log, flattened towards black."""

    def __init__(self) -> None:
        self._loss = EditLoss(np.eye(3, dtype=np.float32), floor=0.005, scale=0.02, energy=0.0)

    def __call__(
        self, estimates: list[Estimate], chains: list[Tensor], truths: tuple[Tensor, ...]
    ) -> tuple[Tensor, float, float]:
        """The loss, and the mean errors of the estimates and of the chains, in units."""
        shown = [Estimate(visible(e.edit), e.confidence) for e in estimates]
        return self._loss(
            shown, [visible(chain) for chain in chains], tuple(visible(t) for t in truths)
        )


def visible(edit: Tensor) -> Tensor:
    """An edit with differences in the dark made small; units stay those of the edit."""
    octave = float(np.log(2)) * STOPS_PER_UNIT
    lifted = edit.float() * octave + _DARK * float(np.log(2))
    return F.softplus(lifted) / octave


def _doubled(part: slice) -> slice:
    return slice(None) if part.start is None else slice(2 * part.start, 2 * part.stop)


def _spread(values: Array) -> NDArray[np.float32]:
    """[T, 3] over all pixels."""
    return values.astype(np.float32)[:, :, None, None]


def _offset(clip: HdrClip, now: slice, end: int) -> Array:
    """By how much a frame's truth lies above the curve, [3] in stops."""
    at = range(len(clip))[now][end]
    stops, shown = (x[at].astype(np.float32).transpose(1, 2, 0) for x in (clip.stops, clip.shown))
    return offset(stops, shown, clip.trust[at] / 255)


def _edit(stops: Array, middle: float) -> NDArray[np.float32]:
    return (np.maximum(stops - middle, -_DEEPEST) / STOPS_PER_UNIT).astype(np.float32)


def _errors(network: TemporalNetwork, clip: HdrClip, both: bool) -> dict[str, float]:
    *found, truth, trust = _estimates(network, clip, both)
    curve = found[-1]
    joined = dict(zip(("ours", "chain", "curve"), found, strict=True))
    shown = {name: visible(torch.lerp(x, curve, trust)) for name, x in joined.items()}
    squares = {name: (x - visible(truth)).square().mean() for name, x in shown.items()}
    return {name: STOPS_PER_UNIT * float(x.sqrt()) for name, x in squares.items()}


def _estimates(network: TemporalNetwork, clip: HdrClip, both: bool) -> tuple[Tensor, ...]:
    """Of the frames after the first: estimates, flow chains, curve, truths, the curve's trust."""
    frames = min(21, len(clip))
    whole = sequence_of(clip, slice(0, frames), both, switched=False)
    streams = Streams(_Fixed(whole), 2, frames - 1 - both, both, seed=0, longest=frames)
    device = next(network.parameters()).device
    batch = {name: value[:1].to(device) for name, value in streams.next().items()}
    estimates, chains, _ = walk(network, batch, None)
    extra = batch["extra"][0, :, 0]
    ours = torch.cat([e.edit for e in estimates])
    return ours, torch.cat(chains), extra[:, :3], batch["edit"][0], extra[:, 3:]


@dataclass(frozen=True)
class _Fixed:
    whole: Sequence

    def sequence(self, rng: np.random.Generator, frames: int, switched: bool) -> Sequence:
        return self.whole


def _strip(network: TemporalNetwork, clip: HdrClip) -> NDArray[np.uint8]:
    ours, chain, curve, truth, _ = _estimates(network, clip, both=False)
    picks = [len(truth) // 4, len(truth) // 2, len(truth) - 1]
    rows = [[_tone_mapped(edits[t]) for t in picks] for edits in (truth, curve, chain, ours)]
    return np.concatenate([np.concatenate(row, 1) for row in rows])


def _tone_mapped(edit: Tensor) -> NDArray[np.uint8]:
    """Middle grey at a third, highlights rolled off: [112, 196, 3]."""
    light = torch.exp2(edit.float().cpu() * STOPS_PER_UNIT).numpy().transpose(1, 2, 0) * 0.25
    picture = cv2.resize((light / (1 + light)) ** (1 / 2.2), (196, 112))
    return np.rint(picture * 255).astype(np.uint8)
