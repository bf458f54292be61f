"""One training loop for all networks.

A task owns the data and the loss; the loop owns the optimiser, the average of the weights,
checkpoints, the log and the sample sheets. A run that was killed goes on from its last
checkpoint exactly as if it had not been.
"""

import csv
import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import imageio.v3 as iio
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vidprop.errors import InputError
from vidprop.training.distributed import World

Metrics = dict[str, float]


class Task(Protocol):
    """What is trained, on what, and how well it does."""

    name: str

    def network(self) -> nn.Module:
        """A new network, its parameters drawn from torch's generator."""

    def batch(self, step: int) -> Any:
        """The data of a step: a pure function of the step and of `state`."""

    def loss(self, network: nn.Module, batch: Any) -> tuple[Tensor, Metrics]:
        """The loss of a batch, and figures for the log."""

    def validate(self, network: nn.Module) -> Metrics:
        """Figures on held-out data; the first is the one that decides which weights are best."""

    def sheet(self, network: nn.Module) -> NDArray[np.uint8]:
        """A picture [H, W, 3] to look at."""

    def state(self) -> dict[str, Any]:
        """What `batch` and `loss` carry from step to step, as tensors and numbers."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""


@dataclass(frozen=True)
class LoopConfig:
    """How long and how fast to learn.

    Attributes:
        steps: of the optimiser.
        learning_rate: at its highest, after `warmup` steps or a fifth of all, if that is
            less; a cosine takes it to 0.
        average: decay a step of the running average of the weights, which is what is kept.
        clip: largest norm of the gradient.
        half: bfloat16 where the network's arithmetic allows it.
        validate_every, checkpoint_every: steps.
    """

    steps: int = 20000
    learning_rate: float = 1e-3
    warmup: int = 200
    weight_decay: float = 1e-4
    average: float = 0.998
    clip: float = 1.0
    half: bool = True
    seed: int = 0
    validate_every: int = 2000
    checkpoint_every: int = 500

    def __post_init__(self) -> None:
        if self.steps < 1 or self.learning_rate <= 0:
            raise InputError(f"steps and learning_rate must be above 0, not {self}")

    def rate(self, step: int) -> float:
        """Learning rate of a step."""
        rise = min(1.0, (step + 1) / max(1, min(self.warmup, self.steps // 5)))
        return self.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * step / self.steps))


class Run:
    """One training run in `folder`; `advance` makes a step, `save` a checkpoint."""

    def __init__(
        self, task: Task, config: LoopConfig, folder: Path, device: str | torch.device = "cpu"
    ) -> None:
        self.task, self.config, self.folder = task, config, folder
        self.device = torch.device(device)
        self.world = World.from_environment()
        torch.manual_seed(config.seed)
        network = task.network().to(self.device)
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network: nn.Module = network
        self._objective = self.world.wrap(_Objective(task, network))
        self.average = task.network().to(self.device)
        self.average.load_state_dict(network.state_dict())
        self.optimiser = torch.optim.AdamW(
            network.parameters(), weight_decay=config.weight_decay, betas=(0.9, 0.98)
        )
        self.step, self.best = 0, -math.inf
        folder.mkdir(parents=True, exist_ok=True)
        if self.checkpoint.exists():
            self._restore(torch.load(self.checkpoint, map_location=self.device))

    @property
    def checkpoint(self) -> Path:
        """The file a killed run goes on from."""
        return self.folder / f"checkpoint{self.world.suffix}.pt"

    def start_from(self, weights: Mapping[str, Tensor]) -> None:
        """Begin with parameters of another run, unless this one has begun already.

        Of a parameter that was smaller there, what it held comes first and the rest is 0,
        so that a network with more inputs or outputs, added last, begins as the old one.
        """
        if self.step:
            return
        for network in (self.network, self.average):
            for name, parameter in network.state_dict().items():
                if name in weights and weights[name].dim() == parameter.dim():
                    _fill(parameter, weights[name])

    def advance(self) -> Metrics:
        """One step of the optimiser; its figures."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.rate(self.step)
        self.network.train()
        batch = _to(self.task.batch(self.step), self.device)
        with self._half():
            loss, metrics = self._objective(batch)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip)
        if torch.isfinite(norm):
            self.optimiser.step()
        self._follow()
        self.step += 1
        return {"loss": float(loss.detach()), "gradient": float(norm), **metrics}

    @torch.no_grad()
    def validate(self) -> Metrics:
        """Figures of the averaged weights; writes them, and the best, to the folder."""
        self.average.eval()
        with self._half():
            figures = self.task.validate(self.average)
            sheet = self.task.sheet(self.average)
        if self.world.first:
            iio.imwrite(self.folder / f"sheet-{self.step:06d}.png", sheet)
            score = next(iter(figures.values()))
            if score > self.best:
                self.best = score
                _write(self.folder / "best.pt", self.average.state_dict())
        return figures

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        state = {
            "config": asdict(self.config),
            "step": self.step,
            "best": self.best,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "task": self.task.state(),
            "torch": torch.get_rng_state(),
        }
        _write(self.checkpoint, state)

    def _restore(self, state: dict[str, Any]) -> None:
        if state["config"] != asdict(self.config):
            raise InputError(f"folder: {self.folder} holds a run with other settings")
        self.step, self.best = state["step"], state["best"]
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.task.restore(state["task"])
        torch.set_rng_state(state["torch"].cpu())

    @torch.no_grad()
    def _follow(self) -> None:
        # A young average follows faster, or it would remember the beginning.
        decay = min(self.config.average, (1 + self.step) / (10 + self.step))
        current = self.network.state_dict()
        for name, value in self.average.state_dict().items():
            value.lerp_(current[name].to(value.dtype), 1 - decay)

    @contextmanager
    def _half(self) -> Iterator[None]:
        half = torch.autocast(self.device.type, torch.bfloat16)
        with half if self.config.half else nullcontext():
            yield


def train(run: Run, *, report: "Report | None" = None) -> Metrics:
    """Take `run` to its last step; returns the last validation's figures."""
    config, figures = run.config, {}
    log = _Log(run.folder / f"log{run.world.suffix}.csv", run.step)
    started, done = time.monotonic(), run.step
    while run.step < config.steps:
        metrics = run.advance()
        ended = run.step == config.steps
        if run.step % config.validate_every == 0 or ended:
            figures = run.validate()
            metrics |= figures
        if run.step % config.checkpoint_every == 0 or ended:
            run.save()
        seconds = (time.monotonic() - started) / (run.step - done)
        log.write(run.step, metrics)
        if report:
            report(run.step, config.steps, seconds, metrics)
    return figures


class _Objective(nn.Module):
    """A task's loss as a module, so that several processes can share its gradients."""

    def __init__(self, task: Task, network: nn.Module) -> None:
        super().__init__()
        self._task, self.network = task, network

    def forward(self, batch: Any) -> tuple[Tensor, Metrics]:
        return self._task.loss(self.network, batch)


class Report(Protocol):
    """Told of every step: how far, of how many, seconds a step, its figures."""

    def __call__(self, step: int, steps: int, seconds: float, metrics: Metrics, /) -> None: ...


class _Log:
    """A CSV, a line every so many steps with the mean of the figures since the last."""

    def __init__(self, path: Path, step: int, every: int = 20) -> None:
        self._path, self._every = path, every
        self._kept: dict[str, list[float]] = {}
        if path.exists():
            lines = path.read_text().splitlines()
            kept = [x for x in lines[1:] if x and int(x.split(",", 1)[0]) <= step]
            path.write_text("\n".join([*lines[:1], *kept, ""]))

    def write(self, step: int, metrics: Metrics) -> None:
        for name, value in metrics.items():
            self._kept.setdefault(name, []).append(value)
        if step % self._every:
            return
        with self._path.open("a", newline="") as file:
            rows = csv.writer(file)
            if file.tell() == 0:
                rows.writerow(["step", "figure", "mean"])
            for name, values in self._kept.items():
                rows.writerow([step, name, f"{np.mean(values):.6g}"])
        self._kept.clear()


def _fill(parameter: Tensor, old: Tensor) -> None:
    shared = tuple(slice(min(a, b)) for a, b in zip(parameter.shape, old.shape, strict=True))
    parameter.zero_()
    parameter[shared] = old[shared].to(parameter)


def _write(path: Path, state: Any) -> None:
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)


def _to(batch: Any, device: torch.device) -> Any:
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {name: _to(value, device) for name, value in batch.items()}
    if isinstance(batch, (list, tuple)):
        return type(batch)(_to(value, device) for value in batch)
    return batch
