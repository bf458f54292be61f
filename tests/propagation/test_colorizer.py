"""A stream of planes in, a stream of coloured frames out."""

import itertools

import numpy as np
import pytest
import torch

from vidprop.color.quantisation import dequantise_chroma, dequantise_luma, quantise_luma
from vidprop.edits.colour import painted_key
from vidprop.errors import InputError, KeyFrameError
from vidprop.propagation import Colorizer, PlaneFormat, Progress

PLAIN = PlaneFormat(subsampling=(0, 0), matrix="bt709")


@pytest.fixture(scope="module")
def colorizer():
    return Colorizer(method="flow", size=64)


def _error(frames, truth):
    """Largest mean difference of chroma from the truth, over the frames."""
    errors = []
    for frame in frames:
        key = painted_key(truth.rgb[frame.index], *frame.luma.shape)
        chroma = dequantise_chroma(frame.chroma, 8, False)
        errors.append(float(np.abs(chroma - key.chroma).mean()))
    return max(errors)


def test_colour_is_carried_to_every_frame_of_both_shots(colorizer, truth):
    keys = {0: truth.rgb[0], truth.cut: truth.rgb[truth.cut]}
    frames = list(colorizer.stream(truth.luma, keys, layout=PLAIN))
    assert [frame.index for frame in frames] == list(range(len(truth.luma)))
    assert _error(frames, truth) < 0.03
    assert all(np.array_equal(f.luma, truth.luma[f.index]) for f in frames)


def test_nothing_is_carried_over_a_cut(colorizer, truth):
    frames = list(colorizer.stream(truth.luma, {0: truth.rgb[0]}, layout=PLAIN))
    assert all(frame.confidence > 0.3 for frame in frames[: truth.cut])
    assert all((frame.chroma == 128).all() for frame in frames[truth.cut :])
    assert {frame.confidence for frame in frames[truth.cut :]} == {0.0}


def test_cuts_can_be_given(colorizer, truth):
    frames = list(colorizer.stream(truth.luma[:6], {0: truth.rgb[0]}, cuts=[3], layout=PLAIN))
    assert [bool(frame.confidence) for frame in frames] == [True] * 3 + [False] * 3


def test_key_frames_work_backwards_and_between(colorizer, truth):
    frames = list(
        colorizer.stream(truth.luma[:14], {5: truth.rgb[5], 11: truth.rgb[11]}, layout=PLAIN)
    )
    assert _error(frames, truth) < 0.03


def test_key_frames_keep_their_own_colours(colorizer, truth):
    frame = next(colorizer.stream(truth.luma[:2], {0: truth.rgb[0]}, cuts=[], layout=PLAIN))
    key = painted_key(truth.rgb[0], *frame.luma.shape)
    assert np.abs(dequantise_chroma(frame.chroma, 8, False) - key.chroma).max() <= 0.5 / 224 + 1e-6
    assert frame.confidence == 1


def test_a_frame_is_given_out_before_the_last_one_came(colorizer, truth):
    taken = itertools.count()

    def lumas():
        for luma in truth.luma[:12]:
            next(taken)
            yield luma

    next(colorizer.stream(lumas(), {0: truth.rgb[0], 4: truth.rgb[4]}, cuts=[], layout=PLAIN))
    assert next(taken) == 5


def test_a_repair_changes_its_region_only(colorizer, truth):
    patch = np.zeros((*truth.luma.shape[1:], 4), np.uint8)
    patch[:32, :, 0] = patch[:32, :, 3] = 255
    keys = {0: truth.rgb[0]}
    before = list(colorizer.stream(truth.luma[:10], keys, cuts=[], layout=PLAIN))
    after = list(colorizer.stream(truth.luma[:10], keys | {5: patch}, cuts=[], layout=PLAIN))
    change = np.abs(after[5].chroma.astype(int) - before[5].chroma)
    assert change[:, 36:].max() <= 1
    assert change[1, :28].mean() > 50
    later = np.abs(after[8].chroma.astype(int) - before[8].chroma)
    assert later[1, :26].mean() > 40
    assert later[:, 40:].mean() < 2


def test_torch_planes_come_back_as_torch_planes(colorizer, truth):
    lumas = [torch.from_numpy(luma) for luma in truth.luma[:3]]
    keys = {0: truth.rgb[0]}
    frames = list(colorizer.stream(lumas, {0: torch.from_numpy(truth.rgb[0])}, layout=PLAIN))
    arrays = list(colorizer.stream(truth.luma[:3], keys, layout=PLAIN))
    for frame, array in zip(frames, arrays, strict=True):
        assert isinstance(frame.chroma, torch.Tensor)
        assert np.array_equal(frame.chroma.numpy(), array.chroma)


def test_floats_in_are_floats_out(colorizer, truth):
    lumas = [dequantise_luma(luma, 8, False) for luma in truth.luma[:3]]
    frames = list(colorizer.stream(lumas, {0: truth.rgb[0]}))
    key = painted_key(truth.rgb[0], *lumas[0].shape)
    assert frames[0].chroma.dtype == np.float32
    assert np.allclose(frames[0].chroma, key.chroma)


@pytest.mark.parametrize("subsampling", [(0, 0), (1, 0), (1, 1)])
def test_chroma_has_the_size_of_the_layout(colorizer, truth, subsampling):
    layout = PlaneFormat(subsampling=subsampling, matrix="bt709")
    frame = next(
        colorizer.stream(truth.luma[:2, :63, :95], {0: truth.rgb[0, :63, :95]}, layout=layout)
    )
    assert frame.chroma.shape == (2, *layout.chroma_size(63, 95))


@pytest.mark.parametrize("subsampling", [(0, 0), (1, 1)])
@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32", "torch"])
def test_a_frame_can_be_had_as_rgb(colorizer, truth, subsampling, kind):
    unit = dequantise_luma(truth.luma[0], 8, False)
    depth = {"uint16": 10}.get(kind, 8)
    layout = PlaneFormat(bit_depth=depth, subsampling=subsampling, matrix="bt709")
    luma = unit if kind == "float32" else quantise_luma(unit, depth, False)
    given = torch.from_numpy(luma) if kind == "torch" else luma
    (frame,) = colorizer.stream([given], {0: truth.rgb[0]}, layout=layout)
    rgb = np.asarray(frame.rgb())
    white = {"uint16": 65535, "float32": 1}.get(kind, 255)
    assert isinstance(frame.rgb(), torch.Tensor) == (kind == "torch")
    assert np.abs(rgb / white - truth.rgb[0] / 255).mean() < 0.02


def test_two_clips_may_be_coloured_in_turns(colorizer, truth):
    streams = [
        colorizer.stream(truth.luma[:8], {0: truth.rgb[0], 4: truth.rgb[4]}, cuts=[], layout=PLAIN)
        for _ in range(2)
    ]
    for one, other in zip(*streams, strict=True):
        assert np.array_equal(one.chroma, other.chroma)


def test_long_waits_are_cut_short(colorizer, truth, monkeypatch):
    monkeypatch.setattr("vidprop.propagation.colorizer._LONGEST_STRETCH", 4)
    frames = list(colorizer.stream(truth.luma[:14], {0: truth.rgb[0]}, cuts=[], layout=PLAIN))
    assert [frame.index for frame in frames] == list(range(14))
    assert _error(frames, truth) < 0.04
    confidence = [frame.confidence for frame in frames]
    assert confidence[12] < confidence[2]


def test_progress_is_told(colorizer, truth):
    told = []
    list(colorizer.stream(truth.luma[:3], {0: truth.rgb[0]}, on_progress=told.append))
    assert told[-1] == Progress("propagate", 3, None)


@pytest.mark.parametrize("number", [-1, 3, 912])
def test_key_frames_past_the_end_are_refused(colorizer, truth, number):
    with pytest.raises(KeyFrameError, match=f"key frame {number} is not one of the 3 frames"):
        list(colorizer.stream(truth.luma[:3], {number: truth.rgb[0]}))


def test_frames_must_be_alike(colorizer, truth):
    with pytest.raises(InputError, match=r"frame 1 is uint8 .*, the first was uint8"):
        list(colorizer.stream([truth.luma[0], truth.luma[0][:40]], {0: truth.rgb[0]}))
    with pytest.raises(InputError, match=r"frame 0: a luma plane \[H, W\] is needed"):
        list(colorizer.stream([truth.rgb[0]], {0: truth.rgb[0]}))
    with pytest.raises(InputError, match="frame 0: uint8, uint16 or floats are needed, got int64"):
        list(colorizer.stream([truth.luma[0].astype(np.int64)], {0: truth.rgb[0]}))


def test_an_unknown_method_is_refused():
    with pytest.raises(InputError, match="method: one of network, flow, got 'magic'"):
        Colorizer(method="magic")
