"""Frames worth painting: in every shot, more where things change, none in the dark."""

import numpy as np
import pytest

from vidprop.errors import InputError
from vidprop.propagation.suggest import suggest


def _still(seed, count):
    picture = np.kron(np.random.default_rng(seed).integers(0, 256, (8, 12)), np.ones((8, 8)))
    return [picture.astype(np.uint8)] * count


def _numbered(frames, first=0):
    return enumerate(frames, first)


def test_a_still_shot_needs_one_in_its_middle():
    done = suggest(_numbered(_still(0, 31)), 60)
    assert done.frames == (15,)
    assert done.shots == (range(31),)


def test_every_shot_gets_one():
    done = suggest(_numbered([*_still(0, 20), *_still(1, 12)]), 60)
    assert done.shots == (range(20), range(20, 32))
    assert [sum(n in shot for n in done.frames) for shot in done.shots] == [1, 1]


def test_no_two_are_further_apart_than_asked_for():
    frames = suggest(_numbered(_still(0, 100)), 30).frames
    assert max(np.diff(frames)) <= 30
    assert frames[0] <= 15
    assert frames[-1] >= 85


def test_what_changes_gets_more():
    rng = np.random.default_rng(3)
    noise = [np.kron(rng.integers(0, 256, (8, 12)), np.ones((8, 8))).astype(np.uint8)]
    changing = [np.roll(noise[0], 7 * t, axis=1) for t in range(40)]
    assert len(suggest(_numbered(changing), 40).frames) > len(
        suggest(_numbered(_still(0, 40)), 40).frames
    )


def test_the_dark_of_a_fade_is_not_chosen():
    shot = [(frame * min(1, t / 20)).astype(np.uint8) for t, frame in enumerate(_still(0, 30))]
    (frame,) = suggest(_numbered(shot), 60).frames
    assert frame >= 10


def test_frames_of_an_excerpt_keep_their_numbers():
    done = suggest(_numbered(_still(0, 11), first=100), 60)
    assert done.frames == (105,)
    assert done.shots == (range(100, 111),)


def test_at_least_one_frame_must_lie_between():
    with pytest.raises(InputError, match="at least 1 frame"):
        suggest([], 0)
