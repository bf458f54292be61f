"""Frames put on disk come back as they were, as far as there is room."""

from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from vidprop.propagation.spool import Spool
from vidprop.video import Frame


def frame(index: int, dtype: type = np.uint16) -> Frame:
    rng = np.random.default_rng(index)
    luma, chroma = (rng.integers(0, 250, s).astype(dtype) for s in ((6, 8), (2, 6, 8)))
    return Frame(index, Fraction(index, 25), luma, chroma)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_frames_come_back_as_they_were(tmp_path: Path, dtype: type) -> None:
    given = [frame(i, dtype) for i in range(5)]
    with closing(Spool(tmp_path)) as spool:
        for one in given:
            spool.offer(one)
        for kept, one in zip(spool.frames(), given, strict=True):
            assert (kept.index, kept.time) == (one.index, one.time)
            assert kept.luma.dtype == dtype
            np.testing.assert_array_equal(kept.luma, one.luma)
            np.testing.assert_array_equal(kept.chroma, one.chroma)


def test_past_its_room_nothing_more_is_kept_not_even_what_would_fit(tmp_path: Path) -> None:
    size = frame(0).luma.nbytes * 3
    with closing(Spool(tmp_path, most=3 * size - 1)) as spool:
        for i in range(3):
            spool.offer(frame(i))
        spool.offer(frame(3, np.uint8))
        assert len(spool) == 2
        assert [one.index for one in spool.frames()] == [0, 1]


def test_nothing_is_left_on_the_disk(tmp_path: Path) -> None:
    with closing(Spool(tmp_path)) as spool:
        spool.offer(frame(0))
    assert list(tmp_path.iterdir()) == []


def test_an_empty_spool_gives_nothing(tmp_path: Path) -> None:
    with closing(Spool(tmp_path)) as spool:
        assert list(spool.frames()) == []
