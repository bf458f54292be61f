"""Training on streams: sequences walked from their key frame on, a few frames a step.

The frame before is a reference of the network, so it must be seen as it comes out of the
network, many frames after the key frame. Every step takes each stream some frames further,
gradients flow through these, and what the network remembers is carried to the next step.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidprop.alignment import RegisteredChain, flow_luma, identity_positions
from vidprop.networks.temporal import Estimate, Reference, Seen, TemporalNetwork

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Sequence:
    """Frames in the order they are walked; the first is the key frame.

    Attributes:
        luma: [T, 1, 2h, 2w], 0 to 1.
        edit: [T, C, h, w], the truth.
        positions: [T, h, w, 2], of each frame in the key frame.
        positions_after: the same in the last frame.
        to_previous: [T, h, w, 2], positions of each frame in the one walked before it.
        extra: [T, X, C + 1, h, w], further candidates and their reliability.
    """

    luma: Array
    edit: Array
    positions: Array
    positions_after: Array
    to_previous: Array
    extra: Array

    def __len__(self) -> int:
        return len(self.luma)


class Source(Protocol):
    """Where sequences come from."""

    def sequence(self, rng: np.random.Generator, frames: int, switched: bool) -> Sequence:
        """A random sequence of about `frames` frames, walked backwards in time if `switched`."""


def walked(
    luma: NDArray[Any],
    edit: Array,
    to_previous: Array,
    to_next: Array,
    switched: bool,
    extra: Array | None = None,
) -> Sequence:
    """Order frames for walking and align them to both ends, as a propagator does.

    Args:
        luma: [T, 2h, 2w], 0 to 1; edit: [T, C, h, w].
        to_previous, to_next: flows [T, h, w, 2] in the clip's order, pixels of [h, w].
    """
    if switched:
        luma, edit, to_previous, to_next = (x[::-1] for x in (luma, edit, to_next, to_previous))
        extra = None if extra is None else extra[::-1]
    frames, _, h, w = edit.shape
    if extra is None:
        extra = np.zeros((frames, 0, edit.shape[1] + 1, h, w), np.float32)
    here = identity_positions(h, w)
    return Sequence(
        np.ascontiguousarray(luma[:, None], np.float32),
        np.ascontiguousarray(edit, np.float32),
        chained(luma, to_previous),
        chained(luma[::-1], to_next[::-1])[::-1],
        to_previous.astype(np.float32) + here,
        np.ascontiguousarray(extra, np.float32),
    )


def chained(luma: Array, flows: Array) -> Array:
    """Positions [T, h, w, 2] in the first frame, from flows to the frame before.

    Args:
        luma: [T, 2h, 2w], 0 to 1; flows: [T, h, w, 2].
    """
    lumas = flow_luma(luma)
    chain = RegisteredChain(lumas[0])
    links = zip(lumas[1:], flows[1:].astype(np.float32), strict=True)
    return np.stack([chain.positions, *(chain.follow(*link) for link in links)])


@dataclass
class _Place:
    """A stream: which draw it is, its sequence, the next frame to estimate."""

    draw: int
    sequence: Sequence
    at: int = 1


class Streams:
    """`count` streams walked together, `frames` a step, from one key frame or between two.

    Streams 2i and 2i + 1 are one sequence walked both ways, each with its own truth: the
    switchable training of the TPN. Not `switchable`, they are two different sequences.
    """

    def __init__(
        self, source: Source, count: int, frames: int, both_sides: bool, seed: int,
        longest: int = 60, switchable: bool = True,
    ) -> None:  # fmt: skip
        self._source, self._seed, self._both = source, seed, both_sides
        self.count, self.frames = count, frames
        self._longest, self._switchable = longest, switchable
        self._places: list[_Place | None] = [None] * count
        self._draws = 0

    def next(self) -> dict[str, Tensor]:
        """The next frames of every stream, stacked: see `_piece`."""
        pieces = []
        together = 2 if self._switchable else 1
        for index in range(0, self.count, together):
            self._renew(range(index, index + together))
        for place in self._places:
            assert place is not None
            pieces.append(self._piece(place))
            place.at += self.frames
        names = pieces[0]
        return {name: torch.from_numpy(np.stack([p[name] for p in pieces])) for name in names}

    def state(self) -> dict[str, Any]:
        """Draws and positions: sequences are drawn again from them."""
        places = [None if p is None else (p.draw, p.at) for p in self._places]
        return {"draws": self._draws, "places": places}

    def restore(self, state: dict[str, Any]) -> None:
        self._draws = state["draws"]
        for index, place in enumerate(state["places"]):
            if place is not None:
                draw, at = place
                self._places[index] = _Place(draw, self._draw(draw, index), at)

    def _renew(self, streams: range) -> None:
        """Draw anew for streams that end together, if they have ended."""
        place = self._places[streams.start]
        end = 0 if place is None else len(place.sequence) - self._both
        if place is not None and place.at + self.frames <= end:
            return
        for i in streams:
            self._places[i] = _Place(self._draws, self._draw(self._draws, i))
        self._draws += 1

    def _draw(self, draw: int, index: int) -> Sequence:
        odd = index % 2 == 1
        key = (
            (self._seed, self._both, draw)
            if self._switchable
            else (self._seed, self._both, draw, index)
        )
        rng = np.random.default_rng(key)
        steps = rng.integers(1, self._longest // self.frames + 1)
        switched = bool(rng.integers(2)) ^ odd if self._switchable else bool(rng.integers(2))
        # An odd stream walks what its even twin walked, so both draw alike up to here.
        return self._source.sequence(rng, int(steps) * self.frames + 1 + self._both, switched)

    def _piece(self, place: _Place) -> dict[str, Array | NDArray[np.bool_]]:
        s, now = place.sequence, slice(place.at, place.at + self.frames)
        piece: dict[str, Any] = {
            "fresh": np.bool_(place.at == 1),
            "key_luma": s.luma[0],
            "key_edit": s.edit[0],
            "luma": s.luma[now],
            "edit": s.edit[now],
            "positions": s.positions[now],
            "to_previous": s.to_previous[now],
            "extra": s.extra[now],
            "frames": np.arange(place.at, place.at + self.frames, dtype=np.float32),
        }
        if self._both:
            piece |= {"after_luma": s.luma[-1], "after_edit": s.edit[-1]}
            piece |= {"positions_after": s.positions_after[now]}
            piece |= {"frames_after": len(s) - 1 - piece["frames"]}
        return piece


@dataclass(frozen=True)
class Remembered:
    """The frame before, as the network left it."""

    seen: Seen
    edit: Tensor
    confidence: Tensor

    def detach(self) -> "Remembered":
        seen = Seen(*(x.detach() for x in fields_of(self.seen)))
        return Remembered(seen, self.edit.detach(), self.confidence.detach())


def walk(
    network: TemporalNetwork, batch: dict[str, Tensor], memory: Remembered | None
) -> tuple[list[Estimate], list[Tensor], Remembered]:
    """Estimate the frames of a batch one after the other.

    Returns:
        the estimates, the edit of the flow chain for each (to compare with), the new memory.
    """
    frames = batch["luma"].shape[1]
    guides = [batch["key_luma"], *batch["luma"].unbind(1)]
    if "after_luma" in batch:
        guides.append(batch["after_luma"])
    looks = _split(network.look(torch.cat(guides)), len(guides))
    covered = torch.ones_like(batch["key_edit"][:, :1])
    before = Remembered(looks[0], batch["key_edit"], covered)
    memory = before if memory is None else _where(batch["fresh"], before, memory)
    estimates, chains = [], []
    for t in range(frames):
        references: list[Reference | None] = [
            Reference(
                looks[0],
                batch["key_edit"],
                covered,
                batch["positions"][:, t],
                batch["frames"][:, t],
            ),
            _after(batch, looks[-1], covered, t),
        ]
        if network.config.use_previous:
            at = batch["to_previous"][:, t]
            one = torch.ones_like(batch["frames"][:, t])
            references.append(Reference(memory.seen, memory.edit, memory.confidence, at, one))
        extra = [(e[:, :-1], e[:, -1:]) for e in batch["extra"][:, t].unbind(1)]
        estimate = network(looks[1 + t], references, extra)
        memory = Remembered(looks[1 + t], estimate.edit, estimate.confidence)
        estimates.append(estimate)
        chains.append(_chain(batch, t))
    return estimates, chains, memory


def _chain(batch: dict[str, Tensor], t: int) -> Tensor:
    positions = batch["positions"][:, t]
    h, w = positions.shape[1:3]
    grid = (2 * positions + 1) / positions.new_tensor([w, h]) - 1
    return torch.nn.functional.grid_sample(
        batch["key_edit"], grid, padding_mode="border", align_corners=False
    )


def _after(batch: dict[str, Tensor], seen: Seen, covered: Tensor, t: int) -> Reference | None:
    if "after_luma" not in batch:
        return None
    return Reference(
        seen,
        batch["after_edit"],
        covered,
        batch["positions_after"][:, t],
        batch["frames_after"][:, t],
    )


def fields_of(seen: Seen) -> tuple[Tensor, ...]:
    """The tensors of a `Seen`, in the order it takes them."""
    return seen.luma, seen.match, seen.search, seen.context


def _split(seen: Seen, parts: int) -> list[Seen]:
    fields = (x.chunk(parts) for x in fields_of(seen))
    return [Seen(*part) for part in zip(*fields, strict=True)]


def _where(fresh: Tensor, new: Remembered, old: Remembered) -> Remembered:
    pick = fresh.view(-1, 1, 1, 1)
    pairs = zip(fields_of(new.seen), fields_of(old.seen), strict=True)
    seen = (torch.where(pick, a, b) for a, b in pairs)
    edit = torch.where(pick, new.edit, old.edit)
    return Remembered(Seen(*seen), edit, torch.where(pick, new.confidence, old.confidence))
