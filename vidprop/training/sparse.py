"""The sparse task: grey crops with hints in, dense chroma out, for the spatial network."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from vidprop.edits import hints
from vidprop.edits.hints import HintMaps
from vidprop.networks.spatial import SpatialConfig, SpatialNetwork
from vidprop.training import stills
from vidprop.training.loop import Metrics
from vidprop.training.stills import Stills

Array = NDArray[Any]
Batch = dict[str, Tensor]


@dataclass(frozen=True)
class SparseConfig:
    """What is trained, on what.

    Attributes:
        crop: its side, pixels of the frame.
        scale: bounds of the short side a picture is brought to, in crops.
        lines, cap, clips, hold_out: see `load_stills`.
        typical, scribbled, painted: shares of crops whose hints have the deck's density, are
            strokes, or painted areas; the rest have 30 to 3000 hints on 256x512.
        superpixels: positions from SLIC, as the deck's, rather than from a jittered grid.
        worn: share of crops that look like old film.
        early: weight of the loss of every unit but the last.
    """

    data: Path
    network: SpatialConfig = field(default_factory=SpatialConfig)
    batch: int = 16
    crop: int = 192
    scale: tuple[float, float] = (1.0, 1.8)
    lines: int = 320
    cap: int = 100
    clips: float = 0.4
    hold_out: int = 40
    typical: float = 0.6
    scribbled: float = 0.1
    painted: float = 0.05
    worn: float = 0.2
    early: float = 0.2
    superpixels: bool = False
    seed: int = 0


class SparseTask:
    """A `training.loop.Task`; the same seed gives the same batches."""

    name = "sparse"

    def __init__(self, config: SparseConfig) -> None:
        self.config = config

    @cached_property
    def stills(self) -> tuple[Stills, Stills]:
        """Training and validation pictures, read when they are first needed."""
        c = self.config
        return stills.load_stills(
            c.data, lines=c.lines, cap=c.cap, clips=c.clips, hold_out=c.hold_out
        )

    def network(self) -> SpatialNetwork:
        """A new network, its parameters drawn from torch's generator."""
        return SpatialNetwork(self.config.network)

    def batch(self, step: int) -> Batch:
        """luma [B, 1, S, S], hints [B, 2, s, s], mask [B, 1, s, s], chroma [B, 2, s, s]."""
        rng = np.random.default_rng([self.config.seed, step])
        train = self.stills[0]
        chosen = rng.choice(len(train), self.config.batch, p=train.shares)
        return _stack([self._sample(train.pictures[index], rng) for index in chosen])

    def _sample(self, picture: Array, rng: np.random.Generator) -> Batch:
        c = self.config
        luma, chroma = stills.planes(stills.random_crop(picture, c.crop, c.scale, rng))
        shown = stills.worn(luma, rng) if rng.random() < c.worn else luma
        return _sample(shown, chroma, self._hints(luma, chroma, rng))

    def _hints(self, luma: Array, chroma: Array, rng: np.random.Generator) -> HintMaps:
        kind = rng.random()
        c = self.config
        if kind < c.painted:
            return hints.painted_maps(chroma, hints.painted_area(luma.shape, rng))
        if kind < c.painted + c.scribbled:
            places = hints.scribble_positions(luma.shape, int(rng.integers(1, 30)), rng)
        else:
            spread = (0.75, 1.33) if kind < c.painted + c.scribbled + c.typical else (0.1, 10.0)
            places = self._positions(luma, _count(luma, _log_uniform(*spread, rng)), rng)
        return _at(places, chroma)

    def _positions(self, luma: Array, count: int, rng: np.random.Generator) -> Array:
        if self.config.superpixels:
            return hints.superpixel_positions(luma, count, rng)
        places = hints.grid_positions(luma.shape, count, rng)
        return places[rng.random(len(places)) < rng.choice([0.8, 1.0])]

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Metrics]:
        """Of every unit of the cascade; the last counts 1, those before it `early` each."""
        found = network(batch["luma"], batch["hints"], batch["mask"], every_unit=True)
        errors = [rgb_error(estimate - batch["chroma"]) for estimate in found]
        losses = torch.stack([_loss(error) for error in errors])
        loss = losses[-1] + self.config.early * losses[:-1].sum()
        return loss, {"psnr": _decibels(errors[-1].detach().mean((1, 2, 3)))}

    def validate(self, network: nn.Module) -> Metrics:
        """Mean PSNR of R'G'B' of the pictures kept apart, at the deck's density, /10 and x10."""
        figures = {}
        for name, density in (("psnr", 1.0), ("psnr_30", 0.1), ("psnr_3000", 10.0)):
            values = [_psnr(network, sample) for sample in self._held_out(density)]
            figures[name] = float(np.mean(values))
        return figures

    def sheet(self, network: nn.Module, rows: int = 4) -> NDArray[np.uint8]:
        """Held-out pictures, a row each: the hints on grey, what is made of them, the truth."""
        strips = []
        for sample in islice(self._held_out(1.0), rows):
            luma, truth = sample["luma"], _enlarged(sample["chroma"], sample["luma"])
            given = _enlarged(sample["hints"], luma)
            panels = [to_rgb(luma, x) for x in (given, _dense(network, sample), truth)]
            strips.append(F.interpolate(torch.cat(panels, 3), (192, 864), mode="area"))
        sheet = torch.cat(strips, 2)[0].permute(1, 2, 0).clamp(0, 1)
        return (sheet.cpu().numpy() * 255).round().astype(np.uint8)

    def state(self) -> dict[str, Any]:
        """Nothing: a batch depends on the seed and the step alone."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing to do, see `state`."""

    def _held_out(self, density: float) -> Iterator[Batch]:
        for index, picture in enumerate(self.stills[1].pictures):
            luma, chroma = stills.planes(picture)
            rng = np.random.default_rng([self.config.seed, index])
            places = hints.grid_positions(luma.shape, _count(luma, density), rng)
            yield _stack([_sample(luma, chroma, _at(places, chroma))])


def _psnr(network: nn.Module, sample: Batch) -> float:
    """PSNR in dB of R'G'B' of one picture, luma kept; the truth is that of the half size."""
    luma, truth = sample["luma"], _enlarged(sample["chroma"], sample["luma"])
    dense = to_rgb(luma, _dense(network, sample)).clamp(0, 1)
    error = (dense - to_rgb(luma, truth).clamp(0, 1)).double()
    return _decibels(error.square().mean((1, 2, 3)))


@torch.no_grad()
def _dense(network: nn.Module, sample: Batch) -> Tensor:
    """[1, 2, H, W], on the CPU."""
    device = next(network.parameters()).device
    half = network(*(sample[name].to(device) for name in ("luma", "hints", "mask")))
    return _enlarged(half.float().cpu(), sample["luma"])


def _enlarged(half: Tensor, luma: Tensor) -> Tensor:
    height, width = luma.shape[-2:]
    return F.interpolate(half, scale_factor=2, mode="bilinear")[..., :height, :width]


def rgb_error(chroma: Tensor) -> Tensor:
    """Squared error of R', G', B' [N, 3, h, w] for an error of chroma [N, 2, h, w], luma kept."""
    return to_rgb(torch.zeros_like(chroma[:, :1]), chroma).square()


def to_rgb(luma: Tensor, chroma: Tensor) -> Tensor:
    """BT.709 R'G'B' [N, 3, H, W] of luma [N, 1, H, W] and chroma [N, 2, H, W]."""
    blue, red = chroma[:, :1], chroma[:, 1:]
    return torch.cat(
        [luma + 1.5748 * red, luma - 0.1873 * blue - 0.4681 * red, luma + 1.8556 * blue], 1
    )


def _loss(error: Tensor) -> Tensor:
    """Half by what PSNR counts, a picture at a time, half by absolute error, so that edges stay."""
    logarithm = torch.log(error.mean((1, 2, 3)) + 1e-5).mean()
    return 0.1 * logarithm + 10 * torch.sqrt(error.sum(1) + 1e-6).mean()


def _decibels(mse: Tensor) -> float:
    return float((-10 * torch.log10(mse.clamp(min=1e-10))).mean())


def _log_uniform(low: float, high: float, rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _count(luma: Array, density: float) -> int:
    return max(1, round(luma.size * hints.DECK_DENSITY * density))


def _at(places: Array, chroma: Array) -> HintMaps:
    return hints.point_maps(places, chroma[places[:, 0], places[:, 1]], *chroma.shape[:2])


def _sample(shown: Array, chroma: Array, maps: HintMaps) -> Batch:
    """One sample; the truth is the mean of 2x2 chroma."""
    truth = hints.painted_maps(chroma, np.ones_like(shown)).edit
    given = {"luma": shown[None], "hints": maps.edit, "mask": maps.mask, "chroma": truth}
    return {name: torch.from_numpy(np.ascontiguousarray(v)) for name, v in given.items()}


def _stack(samples: list[Batch]) -> Batch:
    return {name: torch.stack([sample[name] for sample in samples]) for name in samples[0]}
