"""Colour for frames that are at hand: a stream of luma planes in, a stream of frames out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vidprop.color.matrices import ycbcr_to_rgb
from vidprop.edits.colour import PaintedKey, working_edit
from vidprop.video import Frame, PlaneFormat, to_rgb

from .blocks import Block
from .contract import Array, Carried, KeyEdit, SpanPropagator
from .details import Details
from .intake import Intake, Item, with_cuts
from .join import Joiner
from .methods import method as method_named
from .planes import as_given, as_numpy
from .progress import Counter, OnProgress, unheard
from .stretches import Given

_LONGEST_STRETCH = 240
_PLAIN = PlaneFormat(subsampling=(0, 0), matrix="bt709")


@dataclass(frozen=True, slots=True)
class ColouredFrame:
    """One frame of the result.

    luma: the plane that was given.
    chroma: [2, h, w], Cb and Cr, of the same kind as the luma: codes, or floats in
        [-0.5, 0.5] if that is floating.
    confidence: 0..1; 0 where no key frame reaches.
    layout: how codes are meant.
    """

    index: int
    luma: Any
    chroma: Any
    confidence: float
    layout: PlaneFormat = field(repr=False)

    def rgb(self) -> Any:
        """The frame as R'G'B' [H, W, 3] of the luma's kind: 0..255, 0..65535 or 0..1."""
        luma, chroma = as_numpy(self.luma, "luma"), as_numpy(self.chroma, "chroma")
        if np.issubdtype(luma.dtype, np.floating):
            planes = [luma, *(_enlarged(plane, luma.shape) for plane in chroma)]
            rgb = ycbcr_to_rgb(np.stack(planes), self.layout.matrix_name(len(luma)), axis=0)
            return as_given(np.clip(rgb, 0, 1).transpose(1, 2, 0), self.luma)
        depth = 8 if luma.dtype == np.uint8 else 16
        frame = Frame(self.index, Fraction(0), luma, chroma)
        return as_given(to_rgb(frame, self.layout, depth), self.luma)


class Colorizer:
    """Carries the colour of key frames to frames that a caller has in memory.

    It holds the network and nothing of a clip, and may serve several clips at once:
    what belongs to a clip lives in the iterator that `stream` returns.

    Args:
        size: lines at which colour is worked out.
        method: "network", or "flow" for optical flow alone.
        weights: a file; None for those shipped.
        device: "auto", "cpu", "cuda" or "cuda:N".
    Raises:
        WeightsError, BackendError: the network cannot be had there.
    """

    def __init__(
        self,
        *,
        size: int = 256,
        method: str = "network",
        weights: str | Path | None = None,
        device: str = "auto",
    ) -> None:
        self._size = size
        file = None if weights is None else Path(weights)
        self._propagator = method_named(method, file, device).propagator

    def stream(
        self,
        lumas: Iterable[Any],
        keys: Mapping[int, Any],
        *,
        layout: PlaneFormat = _PLAIN,
        cuts: Iterable[int] | None = None,
        on_progress: OnProgress = unheard,
    ) -> Iterator[ColouredFrame]:
        """Colour a clip, frame by frame.

        A frame is held back until the key frame after it has come, or 480 of them
        where that is far, or their shot ends; memory is bounded by that.

        Args:
            lumas: planes [H, W] of one size, NumPy arrays or torch tensors: uint8 or
                uint16 codes, or floats in 0..1.
            keys: painted pictures by frame number, from 0: R'G'B' or R'G'B'A,
                [h, w, 3 or 4], uint8, uint16 or floats in 0..1.
            layout: how codes are meant and how large chroma planes are; by default 8
                bits, BT.709, limited range, chroma at full size.
            cuts: the first frame of every shot but the first; None to find them.
        Raises:
            InputError: a plane of another size or kind than the first.
            KeyFrameError: a key frame of another shape, or past the last frame.
        """
        held = _Held(self._propagator, max(keys, default=-1))
        intake = Intake(self._size, keys, layout)
        finish = _Finish(Joiner(layout), intake)
        counter = Counter("propagate", None, on_progress)
        items = intake.items(lumas)
        for item, starts_shot in with_cuts(items, None if cuts is None else frozenset(cuts)):
            for filled in held.add(item, starts_shot):
                yield finish(*filled)
                counter.add()
        for filled in held.flush():
            yield finish(*filled)
            counter.add()


Filled = tuple[Item, Carried | None]


@dataclass
class _Held:
    """The frames of one clip that wait for a key frame or the end of their shot.

    last_key: the last number for which a key frame will come.
    """

    propagator: SpanPropagator
    last_key: int
    items: list[Item] = field(default_factory=list)
    block: Block = field(default_factory=Block)
    handed: bool = False

    def add(self, item: Item, starts_shot: bool) -> Iterator[Filled]:
        """Take in the next frame; give back those that became ready."""
        if starts_shot:
            yield from self.flush()
        self._append(item)
        if item.key is not None and not item.key.partial:
            yield from self._release(len(self.items) - 1)
        yield from self._release_what_is_far(item.index)

    def flush(self) -> Iterator[Filled]:
        """Give back all that is held: nothing more comes to help it."""
        yield from self._filled(self.block, self.items)
        self.items, self.block, self.handed = [], Block(), False

    def _append(self, item: Item) -> None:
        place = len(self.items)
        self.items.append(item)
        self.block.guides.append(item.guide)
        if item.key is not None:
            self.block.keys[place] = Given.painted(_key_edit(item), item.index)
            if item.key.partial:
                self.block.partial.add(place)

    def _release(self, place: int) -> Iterator[Filled]:
        """Fill the frames before a key frame, which then is the first that is held."""
        given = self.block.keys[place]
        head, self.block = self.block.split(place)
        items, self.items = self.items[:place], self.items[place:]
        if items:
            yield from self._filled(head, items)
        self.block.keys[0], self.handed = given, False

    def _release_what_is_far(self, index: int) -> Iterator[Filled]:
        longest = _LONGEST_STRETCH
        if 0 not in self.block.keys:
            if index >= self.last_key and not self.block.keys:
                yield from self.flush()
        elif len(self.items) > (2 * longest if index < self.last_key else longest):
            head, self.block = self.block.split(longest - 1)
            items, self.items = self.items[:longest], self.items[longest - 1 :]
            *_, (_, result) = done = list(self._filled(head, items))
            yield from done
            assert result is not None
            self.block.keys[0], self.handed = Given.handed(result), True

    def _filled(self, block: Block, items: list[Item]) -> Iterator[Filled]:
        if not items:
            return
        results = block.fill(self.propagator, _LONGEST_STRETCH)[: len(items)]
        for place, (item, result) in enumerate(zip(items, results, strict=True)):
            if place or not self.handed:
                yield item, result


class _Finish:
    """Makes frames of what came to them."""

    def __init__(self, joiner: Joiner, intake: Intake) -> None:
        self._joiner = joiner
        self._details = Details(joiner, intake.painted)

    def __call__(self, item: Item, result: Carried | None) -> ColouredFrame:
        edit = None if result is None else result.edit
        fine = self._details.carried(item.index, result)
        chroma = self._joiner.chroma(item.luma, edit, item.key, fine)
        if not np.issubdtype(item.luma.dtype, np.floating):
            chroma = self._joiner.codes(chroma)
        sure = item.key is not None and not item.key.partial
        trust = 0.0 if result is None else result.trust
        return ColouredFrame(
            index=item.index,
            luma=item.given,
            chroma=as_given(chroma, item.given),
            confidence=1.0 if sure else trust,
            layout=self._joiner.written,
        )


def _enlarged(plane: Array, shape: tuple[int, ...]) -> Array:
    return cv2.resize(plane, shape[::-1], interpolation=cv2.INTER_LINEAR)


def _key_edit(item: Item) -> KeyEdit:
    assert isinstance(item.key, PaintedKey)
    height, width = item.guide.shape
    return KeyEdit(*working_edit(item.key, height // 2, width // 2))
