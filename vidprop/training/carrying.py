"""What tasks have in common that carry an edit along streams with the temporal network."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from vidprop.networks.temporal import Estimate, Seen, TemporalConfig, TemporalNetwork
from vidprop.training.loop import Metrics
from vidprop.training.streams import Remembered, Streams, fields_of, walk

Measure = Callable[[list[Estimate], list[Tensor], tuple[Tensor, ...]], tuple[Tensor, float, float]]
SIDES = ("one", "two")


class Carrying:
    """Alternates between streams with one key frame and with two, remembering each.

    Args:
        config: of the network.
        streams: with one key frame, and with two.
        measure: of estimates, flow chains and truths: the loss and two mean errors.
    """

    def __init__(
        self, config: TemporalConfig, streams: tuple[Streams, Streams], measure: Measure
    ) -> None:
        self._config, self._streams, self._measure = config, streams, measure
        self._memory: list[Remembered | None] = [None, None]

    def network(self) -> TemporalNetwork:
        """See `loop.Task`."""
        return TemporalNetwork(self._config)

    def batch(self, step: int) -> dict[str, Any]:
        """See `loop.Task`."""
        side = step % 2
        return {"side": side, **self._streams[side].next()}

    def loss(self, network: nn.Module, batch: dict[str, Any]) -> tuple[Tensor, Metrics]:
        """See `loop.Task`."""
        side = batch.pop("side")
        assert isinstance(network, TemporalNetwork)
        estimates, chains, memory = walk(network, batch, self._memory[side])
        self._memory[side] = memory.detach()
        loss, error, of_chain = self._measured(estimates, chains, batch)
        name = SIDES[side]
        return loss, {f"error_{name}": error, f"gain_{name}": of_chain / max(error, 1e-9)}

    def _measured(
        self, estimates: list[Estimate], chains: list[Tensor], batch: dict[str, Tensor]
    ) -> tuple[Tensor, float, float]:
        return self._measure(estimates, chains, batch["edit"].unbind(1))

    def state(self) -> dict[str, Any]:
        """See `loop.Task`."""
        memories = [None if m is None else _pack(m) for m in self._memory]
        return {"streams": [s.state() for s in self._streams], "memory": memories}

    def restore(self, state: dict[str, Any]) -> None:
        """See `loop.Task`."""
        for streams, kept in zip(self._streams, state["streams"], strict=True):
            streams.restore(kept)
        self._memory = [None if m is None else _unpack(m) for m in state["memory"]]


def _pack(memory: Remembered) -> list[Tensor]:
    return [*fields_of(memory.seen), memory.edit, memory.confidence]


def _unpack(tensors: list[Tensor]) -> Remembered:
    return Remembered(Seen(*tensors[:-2]), *tensors[-2:])
