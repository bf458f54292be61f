"""The loop: a killed run goes on exactly; streams walk; clips pack."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from vidprop.errors import InputError
from vidprop.networks.temporal import TemporalConfig
from vidprop.training.clips import Clip, load_clips, pack_clips
from vidprop.training.colour import ColourConfig, ColourTask
from vidprop.training.degradation import Film
from vidprop.training.loop import LoopConfig, Run, train

NETWORK = TemporalConfig(
    match_channels=4, context_channels=4, encoder=(8,), guidance=(8,), key_radius=1,
    previous_radius=1, search_channels=4,
)  # fmt: skip
COLOUR = ColourConfig(crop=(16, 16), streams=2, frames=2, longest=4)


def _clip(seed: int, frames: int = 9) -> Clip:
    rng = np.random.default_rng(seed)
    flows = rng.normal(0, 0.5, (2, frames, 24, 32, 2)).astype(np.float16)
    luma = rng.integers(0, 256, (frames, 48, 64), np.uint8)
    chroma = rng.integers(100, 156, (frames, 2, 24, 32), np.uint8)
    return Clip(f"clip{seed}", luma, chroma, flows[0], flows[1])


def _run(folder: Path, steps: int = 6) -> Run:
    clips = [_clip(n) for n in range(3)]
    config = LoopConfig(steps=steps, warmup=2, validate_every=3, checkpoint_every=2, half=False)
    return Run(ColourTask(clips, clips[:1], COLOUR, NETWORK), config, folder)


def test_a_killed_run_goes_on_bit_by_bit(tmp_path: Path) -> None:
    unbroken = _run(tmp_path / "unbroken")
    train(unbroken)
    broken = _run(tmp_path / "broken")
    for _ in range(4):
        broken.advance()
    broken.save()
    for _ in range(1):  # lost with the kill
        broken.advance()
    resumed = _run(tmp_path / "broken")
    assert resumed.step == 4
    train(resumed)
    for name, value in unbroken.network.state_dict().items():
        assert torch.equal(resumed.network.state_dict()[name], value), name
    for name, value in unbroken.average.state_dict().items():
        assert torch.equal(resumed.average.state_dict()[name], value), name


def test_a_run_leaves_its_log_sheets_and_best_weights(tmp_path: Path) -> None:
    figures = train(_run(tmp_path))
    assert np.isfinite(list(figures.values())).all()
    assert (tmp_path / "sheet-000006.png").stat().st_size > 0
    assert (tmp_path / "best.pt").exists()


def test_other_settings_do_not_continue_a_run(tmp_path: Path) -> None:
    _run(tmp_path).save()
    with pytest.raises(InputError, match="holds a run with other settings"):
        _run(tmp_path, steps=7)


def test_twins_walk_one_sequence_both_ways() -> None:
    clips = [_clip(0, frames=5)]
    task = ColourTask(clips, clips, ColourConfig(crop=(24, 32), streams=2, frames=3, longest=3))
    batch: dict[str, Any] = task.batch(1)
    assert torch.equal(batch["key_luma"][0], batch["after_luma"][1])
    assert torch.equal(batch["after_edit"][0], batch["key_edit"][1])
    assert torch.equal(batch["luma"][0], batch["luma"][1].flip(0))


def test_streams_that_are_no_twins_end_apart() -> None:
    clips = [_clip(n, frames=5 + 4 * n) for n in range(3)]
    config = ColourConfig(crop=(16, 16), streams=4, frames=2, longest=12, switchable=False)
    task, again = ColourTask(clips, clips, config), ColourTask(clips, clips, config)
    for step in range(12):
        fresh = task.batch(step)["fresh"]
        if 0 < fresh.sum() < 4 and step > 1:
            break
    else:
        pytest.fail("all streams began at once each time")
    again.restore(task.state())
    batch, other = task.batch(20), again.batch(20)
    assert all(torch.equal(batch[name], other[name]) for name in batch if name != "side")
    assert all(task.batch(step)["luma"].shape == (4, 2, 1, 32, 32) for step in range(10))


def test_packs_a_clip_with_its_flows(tmp_path: Path) -> None:
    source = tmp_path / "clips"
    source.mkdir()
    _write_panning_clip(source / "pan.mp4")
    pack_clips(
        source, tmp_path / "packed", lines=64, films=False, workers=1, progress=lambda _: None
    )
    (clip,) = load_clips(tmp_path / "packed")
    assert clip.luma.shape == (10, 64, 80)
    assert clip.chroma.shape == (10, 2, 32, 40)
    # The picture moves 2 pixels to the left a frame: a pixel of this frame was 2 to the right.
    inner = clip.to_previous[5, 8:-8, 8:-8].astype(np.float32)
    assert abs(np.median(inner[..., 0]) - 1) < 0.15
    assert abs(np.median(inner[..., 1])) < 0.15


def test_films_differ_by_frame_but_not_by_run() -> None:
    clip = np.full((2, 32, 32), 128, np.uint8)
    film = Film(blur=0, grain=0.03, grain_size=0.5, black=0.1, white=0.9, flicker=0, seed=3)
    worn = film.degrade_clip(clip)
    assert (worn[0] != worn[1]).any()
    assert (worn == film.degrade_clip(clip)).all()
    assert abs(worn.std() - 0.03 * 255) < 1


def _write_panning_clip(path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = rng.uniform(0, 1, (17, 30, 3)).repeat(4, 0).repeat(4, 1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"qp": "10"})
        stream.width, stream.height, stream.pix_fmt = 80, 64, "yuv444p"
        for t in range(10):
            picture = (255 * noise[:64, 2 * t : 2 * t + 80]).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
