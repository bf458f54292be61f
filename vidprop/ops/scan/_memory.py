"""Memory for results and scratch. Large blocks are kept when freed, and used again.

The system hands out memory page by page, zeroed, when it is first touched: for a new result
that takes as long as to compute it. At most `MOST_IDLE` bytes are kept; no block is shared.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

_LINE = 64
_LEAST_KEPT = 2**20
MOST_IDLE = 2**29

NUMPY: dict[torch.dtype, Any] = {
    torch.float32: np.float32,
    torch.float64: np.float64,
    torch.uint8: np.uint8,
}


class Store:
    """Idle blocks by their identity, the longest idle first.

    A block comes back in whatever thread its last user ends, or in a garbage collection that
    strikes in the middle of a method here. So there is no lock: every step on the dictionary
    is atomic, and who pops a block owns it.
    """

    def __init__(self, most_idle: int) -> None:
        self._most_idle = most_idle
        self._idle: dict[int, Any] = {}

    @property
    def idle_bytes(self) -> int:
        """How much is kept."""
        blocks = [self._idle.get(key) for key in list(self._idle)]
        return sum(block.nbytes for block in blocks if block is not None)

    def take(self, size: int) -> Any:
        """An array of at least `size` bytes, that returns here when its last view is gone."""
        return np.asarray(_Lent(self, self._fitting(size)))

    def give_back(self, block: Any) -> None:
        """Keep `block`, and drop the longest idle past the limit."""
        self._idle[id(block)] = block
        for key in list(self._idle):
            if self.idle_bytes <= self._most_idle:
                return
            self._idle.pop(key, None)

    def _fitting(self, size: int) -> Any:
        for key in reversed(list(self._idle)):
            block = self._idle.get(key)
            if block is not None and size <= block.nbytes <= size + size // 4:
                mine = self._idle.pop(key, None)
                if mine is not None:
                    return mine
        return np.empty(size, np.uint8)


class _Lent:
    """A block in use, seen by NumPy; the arrays and tensors over it keep this object alive."""

    def __init__(self, store: Store, block: Any) -> None:
        self._store, self._block = store, block
        self.__array_interface__ = block.__array_interface__

    def __del__(self) -> None:
        self._store.give_back(self._block)


_store = Store(MOST_IDLE)


def aligned(count: int, dtype: torch.dtype) -> Any:
    """Memory with any content, at a multiple of 64 bytes, 64 bytes away from what is not ours."""
    kind = NUMPY[dtype]
    size = count * np.dtype(kind).itemsize
    room = size + 3 * _LINE
    raw = np.empty(room, np.uint8) if room < _LEAST_KEPT else _store.take(room)
    first = _LINE + -raw.ctypes.data % _LINE
    return raw[first : first + size].view(kind)


def empty(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """A dense tensor with any content."""
    return torch.from_numpy(aligned(math.prod(shape), dtype)).view(*shape)
