"""Losses of an estimated edit against the truth."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidprop.color.matrices import ycbcr_to_rgb
from vidprop.networks.temporal import Estimate


def chroma_to_rgb() -> NDArray[np.float32]:
    """What a unit of Cb and of Cr does to R, G and B (BT.709): [3, 2]."""
    columns = [ycbcr_to_rgb(np.array(c)) for c in ([0.0, 1.0, 0.0], [0.0, 0.0, 1.0])]
    return np.stack(columns, 1).astype(np.float32)


def chroma_psnr(estimate: Tensor, truth: Tensor) -> float:
    """PSNR of RGB in dB, in which luma is exact, of chroma [T, 2, h, w]."""
    matrix = torch.from_numpy(chroma_to_rgb()).double().to(truth.device)
    difference = torch.einsum("rc,tchw->trhw", matrix, (estimate - truth).double())
    return float(-10 * torch.log10(difference.square().mean() + 1e-10))


class EditLoss:
    """How far estimates are from the truth, in units of what the flow chain leaves.

    Every sequence counts alike, easy or hard: its error is divided by that of the edit
    warped along the flow. Added are a term that keeps the energy of the edit (mixtures fade
    colours) and one that teaches the network what its confidence should be.

    Args:
        metric: [R, C], the differences that count, as combinations of the edit's channels.
        floor: error, in the metric's units, below which a sequence needs no further care.
        scale: error at which confidence should be 1/e.
        energy, confidence: weights of the terms.
        square: share of the root of the mean square in the error, which large errors fill.
    """

    def __init__(
        self,
        metric: NDArray[np.float32],
        floor: float = 0.006,
        scale: float = 0.03,
        energy: float = 0.1,
        confidence: float = 0.1,
        square: float = 0.5,
    ) -> None:
        self._metric = torch.from_numpy(metric)
        self._floor, self._scale = floor, scale
        self._energy, self._confidence, self._square = energy, confidence, square

    def __call__(
        self, estimates: list[Estimate], chains: list[Tensor], truths: tuple[Tensor, ...]
    ) -> tuple[Tensor, float, float]:
        """The loss, and the mean errors of the estimates and of the chains."""
        with torch.autocast(truths[0].device.type, enabled=False):
            return self._score(estimates, chains, truths)

    def _score(
        self, estimates: list[Estimate], chains: list[Tensor], truths: tuple[Tensor, ...]
    ) -> tuple[Tensor, float, float]:
        losses, errors, chained = [], [], []
        for estimate, chain, truth in zip(estimates, chains, truths, strict=True):
            error = self._error(estimate.edit - truth)
            with torch.no_grad():
                chain_error = self._error(chain - truth)
                base = chain_error.mean((1, 2))
            mean = error.mean((1, 2)) / (base + self._floor)
            root = _root(error) / (_root(chain_error) + self._floor)
            losses.append(
                torch.lerp(mean, root, self._square).mean()
                + self._energy * self._energy_term(estimate.edit, truth, base)
                + self._confidence * self._confidence_term(estimate.confidence, error)
            )
            errors.append(float(error.detach().mean()))
            chained.append(float(base.mean()))
        return torch.stack(losses).mean(), float(np.mean(errors)), float(np.mean(chained))

    def _error(self, difference: Tensor) -> Tensor:
        """[N, C, h, w] -> [N, h, w], smooth at 0."""
        metric = self._metric.to(difference)
        squares = torch.einsum("rc,nchw->nrhw", metric, difference).square().mean(1)
        return torch.sqrt(squares + 1e-6) - 1e-3

    def _energy_term(self, edit: Tensor, truth: Tensor, base: Tensor) -> Tensor:
        ours, theirs = (x.square().sum(1).add(1e-6).sqrt().mean((1, 2)) for x in (edit, truth))
        return ((ours - theirs).abs() / (base + self._floor)).mean()

    def _confidence_term(self, confidence: Tensor, error: Tensor) -> Tensor:
        aim = torch.exp(-error.detach() / self._scale)
        return (confidence[:, 0] - aim).square().mean()


def _root(error: Tensor) -> Tensor:
    """The root of the mean square, smooth at 0: [N, h, w] -> [N]."""
    return (error.square().mean((1, 2)) + 1e-6).sqrt()
