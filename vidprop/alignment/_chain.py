"""Alignment of a stream of frames to its key frame."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vidprop.alignment._flow import Flow, FlowConfig
from vidprop.alignment._positions import compose, identity_positions


class Chain:
    """Positions in a key frame for the frames after it, or before it, given in order.

    Keeps one frame of luma and one position map, however long the stream.

    Args:
        key_luma: [H, W], 8 bits, the key frame.
        flow: what computes the flows; its default settings if none is given.
    """

    def __init__(self, key_luma: NDArray[np.uint8], flow: Flow | None = None) -> None:
        self._flow = flow or Flow()
        self._luma = key_luma
        self.positions = identity_positions(*key_luma.shape)

    def advance(self, luma: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Take the next frame [H, W] and return its positions [H, W, 2] in the key frame."""
        flow = self._flow(luma, self._luma)
        self._luma = luma
        return self.follow(flow)

    def follow(self, flow: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same for a next frame whose flow [H, W, 2] to the frame before is known."""
        self.positions = compose(flow, self.positions)
        return self.positions


def consecutive_flows(
    lumas: Iterable[NDArray[np.uint8]],
    config: FlowConfig | None = None,
    *,
    threads: int = 2,
    reverse: bool = False,
) -> Iterator[NDArray[np.float32]]:
    """Flow of each frame, from the second on, to the frame before it, in order.

    Frames are read at most `2 * threads` ahead of the flow that is handed out.
    Several searches side by side are faster than one that uses several cores.

    Args:
        lumas: [H, W] each, 8 bits.
        reverse: give the flow of each frame to the frame after it instead.
    """
    flow = Flow(config)
    pending: deque[Future[NDArray[np.float32]]] = deque()
    with ThreadPoolExecutor(max_workers=threads) as pool:
        for before, after in pairwise(lumas):
            pair = (before, after) if reverse else (after, before)
            pending.append(pool.submit(flow, *pair))
            if len(pending) >= 2 * threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
