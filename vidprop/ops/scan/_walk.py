"""One direction of the scan over planes that share their affinities, and its adjoint.

Block after block of lines is brought into scratch with lanes side by side; a block's
affinities serve every plane. In scratch, lanes begin at 1 and lines at row 1: the pads
stand for the frame's outside, the rows before and after a block for the next block.
"""

from typing import Any

from numba import njit

from ._affinities import PLANES, ROWS, SHARE, prepare
from ._tiles import clear, copy, load_block, part, plane, store_block

FORWARD_BLOCKS = PLANES + 2


@njit(nogil=True)
def walk_forward(
    x: Any, p: Any, lam: Any, h: Any, place: Any, way: Any, frame: Any, flags: Any, work: Any
) -> None:
    """Write the scan of channels c0 <= c < c1 to `h`, whose channels count from `h_from`.

    Args:
        place: n, d, c0, c1, h_from.
        way: vertical, reverse.
        frame: lanes, steps.
        flags: three-way, injection given, limit.
        work: scratch.
    """
    n, d, c0, c1, h_from = place
    vertical, reverse = way
    lanes, steps = frame
    pitch = lanes + 2
    size = (ROWS + 2) * pitch
    block, xs, hs = (
        part(work, 0, PLANES * size),
        part(work, PLANES * size, size),
        part(work, (PLANES + 1) * size, size),
    )
    carry = part(work, FORWARD_BLOCKS * size, (c1 - c0) * pitch)
    clear(work, FORWARD_BLOCKS * size + (c1 - c0) * pitch)
    for done in range(0, steps, ROWS):
        rows = min(ROWS, steps - done)
        step = steps - done - rows if reverse else done
        first = -1 if done else (rows - 1 if reverse else 0)
        prepare(block, lanes, p, lam, (n, d, c0), way, (step, rows, first), flags)
        for c in range(c0, c1):
            load_block(xs, 1, lanes, plane(x, n, d, c, 0, vertical), step, rows)
            before = rows + 1 if reverse else 0
            kept = part(carry, (c - c0) * pitch, pitch)
            copy(part(hs, before * pitch, pitch), kept, pitch)
            for j in range(rows):
                row = rows - j if reverse else j + 1
                _advance(block, size, xs, hs, row * pitch, before * pitch, lanes)
                before = row
            copy(kept, part(hs, before * pitch, pitch), pitch)
            store_block(hs, 1, lanes, plane(h, n, d, c - h_from, 0, vertical), step, rows, False)


@njit(nogil=True)
def _advance(block: Any, size: int, xs: Any, hs: Any, row: int, before: int, lanes: int) -> None:
    _step(
        part(hs, row + 1, lanes),
        part(block, SHARE * size + row + 1, lanes),
        part(xs, row + 1, lanes),
        part(block, row + 1, lanes),
        part(block, size + row + 1, lanes),
        part(block, 2 * size + row + 1, lanes),
        part(hs, before, lanes + 2),
        lanes,
    )


@njit(nogil=True, fastmath={"contract"})
def _step(h: Any, share: Any, x: Any, p0: Any, p1: Any, p2: Any, before: Any, lanes: int) -> None:
    for k in range(lanes):
        carried = p0[k] * before[k] + p1[k] * before[k + 1] + p2[k] * before[k + 2]
        h[k] = share[k] * x[k] + carried
