"""What does not fit together is refused before any work, and nothing is lost."""

from pathlib import Path

import numpy as np
import pytest
from small_clips import flow_job, write_clip

from vidprop.edits.keyfiles import KeyFile
from vidprop.errors import EncodeError, InputError, KeyFrameError
from vidprop.propagation import ColourJob, colorize
from vidprop.video import (
    read_image,
    write_image,
)


@pytest.mark.parametrize(
    ("numbers", "settings", "message"),
    [
        ((0, 23), {"stop": 24, "start": 23}, None),
        ((0,), {"start": 5}, "no key frame lies within frames 5 to 23"),
        ((0,), {"stop": 60}, "the clip has 24 frames, 0 to 23"),
    ],
)
def test_excerpts_without_key_frames_are_refused(
    tmp_path, grey_clip, make_keys, numbers, settings, message
):
    job = flow_job(grey_clip, make_keys(*numbers), tmp_path / "out.mkv", **settings)
    if message is None:
        assert len(colorize(job).frames) == 1
        return
    with pytest.raises(InputError, match=message):
        colorize(job)
    assert not job.output.exists()


def test_a_key_frame_past_the_end_is_named(tmp_path, truth, grey_clip):
    write_image(tmp_path / "key_912.png", truth.rgb[0])
    with pytest.raises(KeyFrameError, match="key frame 912 is past the last frame, 23"):
        colorize(flow_job(grey_clip, tmp_path / "key_912.png", tmp_path / "out.mkv"))


def test_a_key_frame_of_another_frame_is_told_where_it_belongs(tmp_path, truth, grey_clip):
    write_image(tmp_path / "key_2.png", truth.rgb[20])
    message = r"key_2.png: does not look like frame 2 .*; most like it is frame (19|20|21)"
    with pytest.raises(KeyFrameError, match=message):
        colorize(flow_job(grey_clip, tmp_path / "key_2.png", tmp_path / "out.mkv"))


def test_a_key_frame_of_another_shape_is_named(tmp_path, truth, grey_clip):
    write_image(tmp_path / "key_2.png", truth.rgb[2, :32])
    with pytest.raises(KeyFrameError, match=r"key_2.png: .*96x32 has another shape .* 96x64"):
        colorize(flow_job(grey_clip, tmp_path / "key_2.png", tmp_path / "out.mkv"))


def test_an_output_that_is_there_is_not_touched(tmp_path, grey_clip, make_keys):
    (tmp_path / "out.mkv").write_text("precious")
    with pytest.raises(EncodeError, match="exists already"):
        colorize(flow_job(grey_clip, make_keys(0), tmp_path / "out.mkv"))
    assert (tmp_path / "out.mkv").read_text() == "precious"


def test_side_outputs_replace_only_what_is_theirs(tmp_path, grey_clip, make_keys):
    files = {"report": tmp_path / "r.html", "picture": tmp_path / "p.png"}
    job = flow_job(grey_clip, make_keys(0), tmp_path / "out.mkv", **files)
    colorize(job)
    assert read_image(files["picture"]).shape == (2 * 64, 3 * 96, 3)
    assert "frames" in files["report"].read_text()
    job.output.unlink()
    files["picture"].unlink()
    colorize(job)
    for path in (job.output, *files.values()):
        path.unlink(missing_ok=True)
    for path in files.values():
        path.write_text("precious")
        with pytest.raises(EncodeError, match=f"{path.name}: the file exists already"):
            colorize(job)
        assert path.read_text() == "precious"
        path.unlink()


def test_the_input_is_never_the_output(tmp_path, truth, make_keys):
    clip = write_clip(tmp_path / "clip.mkv", truth.luma[:4])
    before = clip.read_bytes()
    with pytest.raises(EncodeError, match="the output is the input"):
        colorize(flow_job(clip, make_keys(0), tmp_path / "." / "clip.mkv", overwrite=True))
    assert clip.read_bytes() == before


def test_a_clip_of_one_pixel_is_refused(tmp_path, make_keys):
    clip = write_clip(tmp_path / "clip.mkv", np.zeros((3, 1, 1), np.uint8))
    with pytest.raises(InputError, match="the clip is 1x1: at least 16x16"):
        colorize(flow_job(clip, make_keys(0), tmp_path / "out.mkv"))


def test_nothing_is_asked_for_without_key_frames(tmp_path):
    with pytest.raises(KeyFrameError, match="neither pictures nor hints"):
        ColourJob(input=Path("a.mp4"), output=Path("b.mp4"))
    with pytest.raises(InputError, match="must lie after the start"):
        ColourJob(input=Path("a"), output=Path("b"), keys=(KeyFile(Path("k"), 5),), start=5, stop=5)
