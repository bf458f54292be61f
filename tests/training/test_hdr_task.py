"""The HDR task sees what the product will see: exposures found, not given."""

from pathlib import Path

import numpy as np
import OpenEXR
import pytest
import torch

from vidprop.edits.hdr import STOPS_PER_UNIT
from vidprop.errors import InputError
from vidprop.networks.temporal import TemporalConfig
from vidprop.training import hdr, hdr_clips
from vidprop.training.virtual_camera import ShotConfig
from vidprop.training.virtual_scene import find_scenes

SMALL = TemporalConfig(
    edit_channels=3, extra_candidates=1, encoder=(8, 8), guidance=(8, 8),
    match_channels=4, context_channels=4, key_radius=1, previous_radius=1,
)  # fmt: skip
CONFIG = hdr.HdrConfig(crop=(16, 24), streams=2, frames=2, longest=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("scenes")
    for seed in range(2):
        coarse = np.random.default_rng(seed).uniform(-5, 2, (16, 32, 3))
        pixels = np.exp2(coarse.repeat(16, 0).repeat(16, 1)).astype(np.float32)
        OpenEXR.File({}, {"RGB": pixels}).write(str(place / f"{seed}.exr"))
    shots = ShotConfig((64, 96), frames=7, cut_outs=1)
    lines: list[str] = []
    packed = place / "packed"
    hdr_clips.pack_shots(
        find_scenes(place), packed, shots, count=3, workers=1, progress=lines.append
    )
    assert lines[0] == "0~00000: 7 frames of 96x64"
    return packed


@pytest.fixture(scope="module")
def clips(folder: Path) -> list[hdr_clips.HdrClip]:
    return list(hdr_clips.load_hdr_clips(folder).values())


def test_packed_clips_have_the_shapes_of_the_table(clips: list[hdr_clips.HdrClip]) -> None:
    assert len(clips) == 3
    for clip in clips:
        assert clip.luma.shape == (7, 64, 96)
        assert clip.stops.shape == clip.shown.shape == (7, 3, 32, 48)
        assert clip.to_next.shape == clip.to_previous.shape == (7, 32, 48, 2)
        assert clip.size == (32, 48)
        assert np.isfinite(clip.stops).all()
        assert np.abs(clip.drift[0]).max() == 0


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("switched", [False, True])
def test_the_curve_lies_on_the_truth_where_it_is_trusted(
    clips: list[hdr_clips.HdrClip], both: bool, switched: bool
) -> None:
    for clip in clips:
        sequence = hdr.sequence_of(clip, slice(0, 7), both, switched)
        curve, trust = sequence.extra[:, 0, :3], sequence.extra[:, 0, 3]
        errors = np.abs(curve - sequence.edit).transpose(0, 2, 3, 1)[trust > 0.9]
        assert np.median(errors) * STOPS_PER_UNIT < 0.25


def test_a_switched_sequence_is_the_same_walked_backwards(clips: list[hdr_clips.HdrClip]) -> None:
    one, other = (hdr.sequence_of(clips[0], slice(1, 6), True, s) for s in (False, True))
    np.testing.assert_array_equal(one.luma, other.luma[::-1])
    shift = one.edit[0] - other.edit[-1]
    np.testing.assert_allclose(shift, shift.flat[0], atol=1e-5)


def test_exposure_does_not_leak_from_a_far_end_that_is_no_key_frame(
    clips: list[hdr_clips.HdrClip],
) -> None:
    clip = clips[0]
    wrong = hdr_clips.HdrClip(**{**vars(clip), "stops": clip.stops.copy()})
    wrong.stops[5] += 3
    one, other = (hdr.sequence_of(c, slice(0, 6), False, False) for c in (clip, wrong))
    np.testing.assert_array_equal(one.extra, other.extra)


def test_crops_and_flips_agree_between_guide_and_edit() -> None:
    base = np.random.default_rng(0).integers(0, 100, (5, 32, 48))
    still = np.zeros((5, 32, 48, 2), np.float16)
    stops = np.repeat((base / 10)[:, None], 3, axis=1).astype(np.float16)
    clip = hdr_clips.HdrClip(
        luma=base.repeat(2, axis=1).repeat(2, axis=2).astype(np.uint8),
        stops=stops,
        shown=stops,
        trust=np.full((5, 32, 48), 255, np.uint8),
        drift=np.zeros((5, 3), np.float32),
        to_previous=still,
        to_next=still,
    )
    source = hdr.ShotSource([clip], CONFIG, both=False)
    for seed in range(6):
        sequence = source.sequence(np.random.default_rng(seed), 5, False)
        assert sequence.luma.shape == (5, 1, 32, 48)
        assert sequence.edit.shape == (5, 3, 16, 24)
        guide = sequence.luma[:, 0, ::2, ::2] * 25.5
        difference = sequence.edit[:, 0] * STOPS_PER_UNIT - guide
        np.testing.assert_allclose(difference, difference.flat[0], atol=0.01)


def test_visible_keeps_light_and_flattens_the_dark() -> None:
    edit = torch.linspace(-2, 1, 50)
    seen = hdr.visible(edit)
    slope = torch.diff(seen) / torch.diff(edit)
    assert (slope > 0).all()
    assert slope[-1] == pytest.approx(1, abs=0.02)
    assert slope[0] < 0.01


def test_a_step_teaches_and_the_state_is_carried(clips: list[hdr_clips.HdrClip]) -> None:
    torch.manual_seed(0)
    task = hdr.HdrTask(clips, clips[:1], CONFIG, SMALL)
    network = task.network()
    for step in range(2):
        loss, metrics = task.loss(network, task.batch(step))
        loss.backward()
        assert torch.isfinite(loss)
        assert set(metrics) == {f"{n}_{('one', 'two')[step]}" for n in ("error", "gain")}
    other = hdr.HdrTask(clips, clips[:1], CONFIG, SMALL)
    other.restore(task.state())
    for step in (2, 3):
        ours, theirs = task.batch(step), other.batch(step)
        assert all(torch.equal(torch.as_tensor(ours[k]), torch.as_tensor(theirs[k])) for k in ours)


def test_validation_compares_with_the_curve_and_the_chain(clips: list[hdr_clips.HdrClip]) -> None:
    torch.manual_seed(0)
    task = hdr.HdrTask(clips, clips[:2], CONFIG, SMALL)
    network = task.network().eval()
    figures = task.validate(network)
    assert next(iter(figures)) == "score"
    assert figures["score"] < 0
    assert {"ours_one", "chain_two", "curve_one"} <= set(figures)
    assert task.sheet(network).shape == (2 * 4 * 112, 3 * 196, 3)


def test_held_out_clips_are_of_scenes_not_trained_on(folder: Path) -> None:
    packed = hdr_clips.load_hdr_clips(folder)
    assert list(packed) == ["0~00000", "0~00002", "1~00001"]
    trained, kept = hdr_clips.split_scenes(packed, every=2)
    assert trained == [packed["0~00000"], packed["0~00002"]]
    assert kept == [packed["1~00001"]]


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no packed HDR clips"):
        hdr_clips.load_hdr_clips(tmp_path)
