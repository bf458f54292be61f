"""The frames that deserve another key frame."""

import numpy as np

from vidprop.propagation.advice import frames_to_paint


def test_the_least_trusted_frame_comes_first():
    confidence = np.ones(100)
    confidence[[20, 70]] = 0.5, 0.2
    assert frames_to_paint(confidence, [0], count=2, apart=10) == [70, 20]


def test_frames_are_well_apart_and_away_from_key_frames():
    confidence = np.linspace(1, 0, 100)
    chosen = frames_to_paint(confidence, [90], count=4, apart=20)
    assert len(chosen) == 4
    assert all(abs(a - b) > 20 for a in chosen for b in chosen if a != b)
    assert all(abs(a - 90) > 10 for a in chosen)


def test_a_short_clip_has_few_to_offer():
    assert frames_to_paint(np.array([0.5]), []) == [0]
    assert frames_to_paint(np.array([1.0]), [0]) == []
