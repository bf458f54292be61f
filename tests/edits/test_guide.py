"""The size networks work at, and the guide there."""

import numpy as np
import pytest

from vidprop.edits.guide import unit_guide, working_guide, working_size
from vidprop.errors import InputError


@pytest.mark.parametrize(
    ("clip", "size"),
    [
        ((1080, 1920), (256, 448)),
        ((1920, 1080), (448, 256)),
        ((256, 448), (256, 448)),
        ((405, 720), (256, 448)),
        ((144, 176), (144, 176)),
        ((17, 16), (32, 32)),
    ],
)
def test_the_short_side_has_the_lines_asked_for(clip, size):
    assert working_size(*clip, short_side=256) == size


@pytest.mark.parametrize("clip", [(1, 1), (1, 500), (15, 64)])
def test_tiny_clips_are_refused(clip):
    with pytest.raises(InputError, match=rf"the clip is {clip[1]}x{clip[0]}: at least 16x16"):
        working_size(*clip, short_side=256)


def test_a_tiny_working_size_is_refused():
    with pytest.raises(InputError, match="size: at least 32, got 8"):
        working_size(1080, 1920, 8)


@pytest.mark.parametrize("bit_depth", [8, 10, 12, 16])
@pytest.mark.parametrize("full_range", [False, True])
def test_black_and_white_are_the_ends_of_the_guide(bit_depth, full_range):
    ends = (0, 2**bit_depth - 1) if full_range else (16 << bit_depth - 8, 235 << bit_depth - 8)
    dtype = np.uint8 if bit_depth == 8 else np.uint16
    black, white = (
        working_guide(np.full((40, 40), end, dtype), bit_depth, full_range, (32, 32))
        for end in ends
    )
    assert (black == 0).all()
    assert (white == 255).all()
    assert unit_guide(white).max() == 1.0


def test_headroom_is_cut_off():
    assert (working_guide(np.full((32, 32), 254, np.uint8), 8, False, (32, 32)) == 255).all()
