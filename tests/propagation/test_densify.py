"""Hints become key frames: what is given is kept, wherever it came from."""

import numpy as np
import pytest
import torch
from small_clips import read_clip

from vidprop.color.quantisation import dequantise_chroma
from vidprop.edits.colour import painted_key
from vidprop.edits.hintfiles import hint_files
from vidprop.edits.keyfiles import key_files
from vidprop.errors import EncodeError, InputError, KeyFrameError, WeightsError
from vidprop.networks.spatial import SpatialConfig, SpatialNetwork
from vidprop.propagation import ColourJob, Wishes, colorize
from vidprop.propagation.densify import DensifyJob, densify, sampled_hints
from vidprop.video import read_image, write_image
from vidprop.weights import save_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A small network that has learned nothing."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "hints.safetensors"
    save_weights(path, SpatialNetwork(SpatialConfig(units=((8, 8),), strides=(1,))))
    return path


@pytest.fixture
def grey(tmp_path, truth):
    luma = ((truth.luma[0] - 16.0) * 255 / 219).round().astype(np.uint8)
    write_image(tmp_path / "grey.png", luma)
    return tmp_path / "grey.png"


def _table(tmp_path, *lines):
    (tmp_path / "points.csv").write_text("\n".join(lines))
    return hint_files([tmp_path / "points.csv"])


def test_a_picture_gets_the_colours_that_are_given(tmp_path, grey, weights):
    hints = _table(tmp_path, "0,20,30,#c05040", "0,70,10,#3060b0")
    output = tmp_path / "colour.png"
    assert densify(DensifyJob(picture=grey, output=output, hints=hints, weights=weights)) == 2
    colour = painted_key(read_image(output), 64, 96)
    assert np.abs(colour.luma - painted_key(read_image(grey), 64, 96).luma).max() < 0.01
    for hint, (x, y) in zip(hints.points, ((20, 30), (70, 10)), strict=True):
        given = painted_key(np.float32([[hint.colour]]), 1, 1).chroma[:, 0, 0]
        found = colour.chroma[:, y, x]
        assert found @ given > 0.5 * (given @ given)


def test_strokes_are_hints_too(tmp_path, grey, weights):
    strokes = np.zeros((64, 96, 4), np.uint8)
    strokes[20:24, 10:40] = (200, 60, 60, 255)
    write_image(tmp_path / "strokes_0.png", strokes)
    hints = hint_files([tmp_path / "strokes_0.png"])
    output = tmp_path / "colour.png"
    assert densify(DensifyJob(picture=grey, output=output, hints=hints, weights=weights)) == 30
    assert np.ptp(read_image(output)[22, 25].astype(int)) > 60


def test_deep_pictures_stay_deep(tmp_path, truth, weights):
    write_image(tmp_path / "deep.tif", truth.rgb[0].astype(np.uint16) * 257)
    output = tmp_path / "colour.tif"
    job = DensifyJob(picture=tmp_path / "deep.tif", output=output, auto_hints=40, weights=weights)
    assert 30 <= densify(job) <= 60
    assert read_image(output).dtype == np.uint16


def test_sampled_hints_have_the_colours_under_them(truth):
    edit = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 32, 48)).astype(np.float32)
    hints = sampled_hints(truth.luma[0], edit, 60)
    given = hints.mask[0] > 0
    assert 40 <= given.sum() <= 80
    assert np.allclose(hints.edit[:, given], edit[:, given])


def test_a_clip_is_coloured_from_points(tmp_path, truth, grey_clip, weights):
    hints = _table(tmp_path, "frame,x,y,colour", "2,20,30,#c05040", "16,20,30,#3060b0")
    output = tmp_path / "out.mkv"
    outcome = colorize(
        ColourJob(
            input=grey_clip,
            output=output,
            hints=hints,
            hint_weights=weights,
            method="flow",
            size=64,
            wishes=Wishes("ffv1"),
        )
    )
    assert outcome.keys == {2: "hints", 16: "hints"}
    chroma = read_clip(output)[1].astype(int) - 128
    assert chroma[2, 1, 30, 20] > 20
    assert chroma[16, 0, 30, 20] > 20


def test_auto_hints_stand_in_for_the_key_frame(tmp_path, truth, grey_clip, make_keys, weights):
    output = tmp_path / "out.mkv"
    colorize(
        ColourJob(
            input=grey_clip,
            output=output,
            keys=key_files([make_keys(0)]),
            auto_hints=400,
            hint_weights=weights,
            method="flow",
            size=64,
            wishes=Wishes("ffv1"),
        )
    )
    chroma = dequantise_chroma(read_clip(output)[1][0], 8, False)
    key = painted_key(truth.rgb[0], 64, 96)
    assert np.abs(chroma - key.chroma).max() > 2 / 224
    assert (chroma * key.chroma).mean() > 0.3 * (key.chroma**2).mean()


def test_hints_that_do_not_fit_are_refused(tmp_path, grey, grey_clip, make_keys, weights):
    output = tmp_path / "out.png"
    picture = DensifyJob(picture=grey, output=output, weights=weights)
    with pytest.raises(InputError, match="a table, or one picture"):
        densify(picture)
    hints = _table(tmp_path, "0,500,3,#ff0000")
    with pytest.raises(InputError, match="x=500 y=3 is outside the 96x64 frame"):
        densify(DensifyJob(picture=grey, output=output, hints=hints, weights=weights))
    with pytest.raises(WeightsError):
        densify(DensifyJob(picture=grey, output=output, auto_hints=9, weights=tmp_path / "no"))
    assert not output.exists()
    output.write_text("precious")
    with pytest.raises(EncodeError, match="is there already"):
        densify(picture)
    hints = _table(tmp_path, "0,5,3,#ff0000")
    clip = {"input": grey_clip, "output": tmp_path / "out.mkv", "hints": hints, "method": "flow"}
    with pytest.raises(KeyFrameError, match="key frame 0: both a picture and hints"):
        colorize(ColourJob(keys=key_files([make_keys(0)]), **clip))
    hints = _table(tmp_path, "90,5,3,#ff0000")
    with pytest.raises(KeyFrameError, match="key frame 90 is past the last frame, 23"):
        colorize(ColourJob(**(clip | {"hints": hints})))
