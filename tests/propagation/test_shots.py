"""Cuts and fades are found, and nothing else."""

import numpy as np
import pytest

from vidprop.propagation.shots import ShotFinder, find_cuts


def _scene(seed, count, speed=1, height=72, width=96):
    picture = np.random.default_rng(seed).random((9, 48))
    large = np.kron(picture, np.ones((8, 8)))
    return [
        (255 * large[:, speed * t : speed * t + width]).astype(np.uint8)[:height]
        for t in range(count)
    ]


def test_a_cut_is_found_at_its_first_frame():
    assert find_cuts([*_scene(0, 12), *_scene(1, 20), *_scene(2, 12)]) == (12, 32)


def test_a_moving_camera_is_no_cut():
    assert find_cuts(_scene(0, 40, speed=6)) == ()


def test_a_still_is_no_cut():
    assert find_cuts([_scene(0, 1)[0]] * 20) == ()


def test_a_flash_is_no_cut():
    frames = _scene(0, 24)
    frames[12] = np.full_like(frames[12], 255)
    assert find_cuts(frames) == ()


def test_a_fade_through_black_parts_two_shots():
    first, second = _scene(0, 24), _scene(1, 24)
    for t in range(12):
        first[12 + t] = (first[12 + t] * (1 - t / 11)).astype(np.uint8)
        second[t] = (second[t] * (t / 11)).astype(np.uint8)
    (cut,) = find_cuts([*first, *second])
    assert 22 <= cut <= 26


@pytest.mark.parametrize("count", [0, 1, 2])
def test_the_shortest_clips_have_no_cut(count):
    assert find_cuts(_scene(0, count)) == ()


def test_cuts_are_known_two_frames_later():
    finder = ShotFinder()
    for frame in [*_scene(0, 12), *_scene(1, 3)]:
        finder.add(frame)
    assert finder.cuts() == (12,)
    assert [finder.cuts_until(frame) for frame in (11, 12, 14)] == [0, 1, 1]
