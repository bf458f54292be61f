"""Frames of a clip that are asked for by number are those frames, near or far apart."""

import numpy as np
from small_clips import read_clip

from vidprop.propagation import hdr_clip
from vidprop.propagation.clip import Clip
from vidprop.propagation.hdr_clip import SignalClip


def test_signals_are_those_of_the_numbers_asked_for(grey_clip, monkeypatch):
    clip = SignalClip(Clip.open(grey_clip, 64))
    everything = {frame.index: clip.signal(frame) for frame in clip.clip.frames()}
    assert len(everything) == len(read_clip(grey_clip)[0])
    for read_on in (40, 3):
        monkeypatch.setattr(hdr_clip, "_READ_ON", read_on)
        asked = [17, 3, 2, 11, 0]
        got = list(clip.signals(asked))
        assert [number for number, _ in got] == sorted(asked)
        for number, signal in got:
            assert np.array_equal(signal, everything[number])
    assert list(clip.signals([])) == []
