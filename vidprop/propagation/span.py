"""Propagation by the temporal network, one stretch of a clip at a time.

The stretch is walked from the key frame before it on, with the frame before as a reference.
Where there is a key frame after it too, the flow chains to that one are made first, from the
far end; they are all that is kept for every frame (4 bytes a pixel of the working size).
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidprop.alignment import (
    FlowConfig,
    RegisteredChain,
    consecutive_flows,
    flow_luma,
    halved,
    identity_positions,
)
from vidprop.errors import BackendError, InputError
from vidprop.networks.temporal import Estimate as NetworkEstimate
from vidprop.networks.temporal import Found, Reference, Seen, TemporalNetwork

from .ahead import ahead
from .contract import Array, Estimate, KeyEdit

Displacements = NDArray[np.float16]


def device_named(name: str) -> torch.device:
    """The device of that name; "auto" is the GPU where there is one.

    Raises:
        BackendError: there is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise BackendError(f"device: {name!r} is no device: {error}") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise BackendError(f"device: {name!r} asked for, but torch sees no CUDA device")
    return device


def computes_in_bfloat16(device: torch.device) -> bool:
    """Whether convolutions in bfloat16 are faster than in float32 there."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and "avx512_bf16" in _processor_flags()


@cache
def _processor_flags() -> frozenset[str]:
    """What the processor offers, where the system says so."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return frozenset(flags.partition(":")[2].split())


class NetworkPropagator:
    """Carries edits with a `TemporalNetwork`; see `SpanPropagator`.

    Args:
        network: in evaluation mode; moved to `device`.
        flow_threads: flows that are searched at a time, beside the network.
        half: bfloat16 in the convolutions; by default where the device computes in it.
    """

    def __init__(
        self,
        network: TemporalNetwork,
        device: str | torch.device = "cpu",
        *,
        flow_threads: int = 2,
        half: bool | None = None,
    ) -> None:
        self.device = torch.device(device)
        network = network.eval().to(device=self.device)
        # Convolutions on the CPU run 1.3 to 2 times as fast with their channels last.
        self.network: TemporalNetwork = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._threads = flow_threads
        self._half = computes_in_bfloat16(self.device) if half is None else half

    def propagate(
        self,
        guides: Sequence[Array],
        before: KeyEdit | None,
        after: KeyEdit | None,
        extra: Sequence[Array] = (),
    ) -> Iterator[Estimate]:
        """See `SpanPropagator.propagate`.

        Args:
            extra: a frame's further candidates [X, C + 1, h, w], the last plane their
                reliability; as many as the network's configuration says.
        Raises:
            InputError: no key frame, or a guide of a size that is no multiple of 16.
        """
        if before is None and after is None:
            raise InputError("before, after: at least one of them must be given")
        if before is None:
            # Time may be turned round: the network is switchable.
            turned = self.propagate(guides[::-1], after, None, extra[::-1])
            for one in list(turned)[::-1]:
                yield Estimate(one.edit, one.confidence, None, one.in_before)
            return
        with torch.inference_mode():
            yield from self._walk(guides, before, after, extra)

    def _walk(
        self,
        guides: Sequence[Array],
        before: KeyEdit,
        after: KeyEdit | None,
        extra: Sequence[Array],
    ) -> Iterator[Estimate]:
        ends_given = after is not None and after.coverage.min() == 1
        memory = None
        with closing(ahead(self._approached(guides, before, after), 2)) as frames:
            for index, one in enumerate(frames):
                if after is not None and ends_given and index == len(guides) - 1:
                    yield Estimate(after.edit, after.coverage[0], one.positions, one.in_after)
                    return
                if index == 0 and before.coverage.min() == 1:
                    estimate = NetworkEstimate(one.near.edit, one.near.coverage)
                else:
                    planes: Iterable[Array] = extra[index] if len(extra) else ()
                    estimate = self._decide(one, memory, planes)
                memory = _Known(one.seen, estimate.edit, estimate.confidence)
                yield self._out(estimate, one)

    def _approached(
        self, guides: Sequence[Array], before: KeyEdit, after: KeyEdit | None
    ) -> Iterator["_Approached"]:
        """What does not depend on other frames' estimates: it is worked out ahead of them."""
        with torch.inference_mode(), _share_of_threads():
            far = None if after is None else self._far_key(guides, after)
            near, here = None, identity_positions(*_half_size(guides[0]))
            to_key, at = RegisteredChain(flow_luma(guides[0])), here
            for index, flow in enumerate(chain([None], self._flows(guides))):
                guide = guides[index]
                if flow is not None:
                    at = flow + here
                    to_key.follow(flow_luma(guide), flow)
                positions = to_key.positions
                seen = self._seen(guide)
                if near is None:
                    given = self._tensor(before.edit), self._tensor(before.coverage)
                    near = _Known(seen, *given)
                references = [
                    self._reference(near, positions, index),
                    None
                    if far is None
                    else self._reference(far.known, far.positions(index), far.frames(index)),
                ]
                with self._autocast():
                    found = [self.network.find(seen, one, i) for i, one in enumerate(references)]
                in_after = None if far is None else far.positions(index)
                yield _Approached(near, seen, found, positions, in_after, at)

    def _decide(
        self, one: "_Approached", memory: "_Known | None", extra: Iterable[Array]
    ) -> NetworkEstimate:
        given = [(self._tensor(planes[:-1]), self._tensor(planes[-1:])) for planes in extra]
        found = list(one.found)
        with self._autocast(), _share_of_threads():
            if self.network.config.use_previous:
                last = None if memory is None else self._reference(memory, one.at, 1)
                found.append(self.network.find(one.seen, last, len(found)))
            return self.network.decide(one.seen, found, given)

    def _far_key(self, guides: Sequence[Array], after: KeyEdit) -> "_Far":
        """The key frame at the end, and the chains to it, made from the end on."""
        here = identity_positions(*_half_size(guides[0]))
        displacements = [np.zeros_like(here, np.float16)]
        turned = guides[::-1]
        to_key = RegisteredChain(flow_luma(turned[0]))
        for index, flow in enumerate(self._flows(turned), 1):
            positions = to_key.follow(flow_luma(turned[index]), flow)
            displacements.append((positions - here).astype(np.float16))
        known = _Known(
            self._seen(guides[-1]), self._tensor(after.edit), self._tensor(after.coverage)
        )
        return _Far(known, displacements[::-1])

    def _flows(self, guides: Sequence[Array]) -> Iterator[Array]:
        lumas = (flow_luma(guides[i]) for i in range(len(guides)))
        for flow in consecutive_flows(lumas, FlowConfig.coarse(), threads=self._threads):
            yield halved(flow)

    def _seen(self, guide: Array) -> Seen:
        with self._autocast():
            return self.network.look(self._tensor(guide[None]))

    def _reference(self, known: "_Known", positions: Array, frames: int) -> Reference:
        away = torch.tensor([float(frames)], device=self.device)
        return Reference(known.seen, known.edit, known.coverage, self._tensor(positions), away)

    def _tensor(self, array: Array) -> Tensor:
        values = np.ascontiguousarray(array, np.float32)
        return torch.from_numpy(values).to(self.device)[None]

    def _out(self, estimate: NetworkEstimate, one: "_Approached") -> Estimate:
        edit, confidence = estimate.edit[0].float().cpu(), estimate.confidence[0, 0].float().cpu()
        return Estimate(edit.numpy(), confidence.numpy(), one.positions, one.in_after)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self._half)


@dataclass(frozen=True)
class _Known:
    """A frame whose edit is known."""

    seen: Seen
    edit: Tensor
    coverage: Tensor


@dataclass(frozen=True)
class _Approached:
    """A frame, and all that is known of it before the frame before it is.

    near: the key frame before. positions, in_after, at: where its pixels were in that, in the
    key frame after, and in the frame before.
    """

    near: _Known
    seen: Seen
    found: list[Found]
    positions: Array
    in_after: Array | None
    at: Array


@dataclass(frozen=True)
class _Far:
    """The key frame after, and where each frame's pixels are in it."""

    known: _Known
    displacements: list[Displacements]

    def frames(self, index: int) -> int:
        """How many frames a frame is away."""
        return len(self.displacements) - 1 - index

    def positions(self, index: int) -> Array:
        offset = self.displacements[index].astype(np.float32)
        return offset + identity_positions(*offset.shape[:2])


@contextmanager
def _share_of_threads() -> Iterator[None]:
    """Half of PyTorch's threads: two run at a time, and small work is not worth more."""
    count = torch.get_num_threads()
    torch.set_num_threads(max(1, count // 2))
    try:
        yield
    finally:
        torch.set_num_threads(count)


def _half_size(guide: Array) -> tuple[int, int]:
    height, width = guide.shape
    if height % 16 or width % 16:
        raise InputError(f"guides: sides must be multiples of 16, not {height}x{width}")
    return height // 2, width // 2
