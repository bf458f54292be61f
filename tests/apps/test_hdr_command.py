"""`vidprop hdr` as a user calls it, on the sample that comes with the project."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from vidprop.apps.main import run
from vidprop.video import probe_video, read_exr

SAMPLE = Path(__file__).parents[2] / "sample_videos" / "hdr"
KEYS = SAMPLE / "keys"


@pytest.fixture
def call(capsys):
    """Run the command on the sample by flow alone; the exit status and what it said."""

    def call(*arguments):
        fixed = ("hdr", SAMPLE / "courtyard.mp4", "--method", "flow", "--size", "96")
        status = run([str(argument) for argument in (*fixed, *arguments)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


def test_the_sample_becomes_exr_files(call, tmp_path):
    output = tmp_path / "out" / "%05d.exr"
    keys = KEYS / "courtyard_00000.exr"
    status, out, err = call("--keyframes", keys, "-o", output, "--end", "4", "--no-keep-work")
    assert (status, err) == (0, "")
    assert "key frame 0: exposure +0.00 +0.00 +0.00 stops" in out
    assert "4 frames, white at 0.98" in out.splitlines()[-1]
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == [
        f"{number:05d}.exr" for number in range(4)
    ]
    # The sky is burnt out in the clip, but not in the result.
    assert np.isfinite(read_exr(tmp_path / "out" / "00003.exr").pixels).all()
    assert read_exr(tmp_path / "out" / "00003.exr").pixels.max() > 4


def test_the_sample_becomes_hdr10(call, tmp_path):
    output = tmp_path / "out.mp4"
    keys = [KEYS / f"courtyard_{n:05d}.exr" for n in (20, 40)]
    status, out, err = call(
        "--keyframes", *keys, "-o", output, "--start", "36", "--picture", tmp_path / "look.png"
    )
    assert (status, err) == (0, "")
    assert "key frame 20 lies outside the excerpt and was not used" in out
    assert "MaxCLL" in out
    info = probe_video(output)
    assert (info.width, info.height, info.format.transfer) == (480, 270, "smpte2084")
    assert (tmp_path / "look.png").exists()


def test_the_network_finds_a_key_frame_that_was_kept_back(call, tmp_path):
    keys = [KEYS / f"courtyard_{n:05d}.exr" for n in (0, 40)]
    output = tmp_path / "%05d.exr"
    status, _, err = call(
        "--keyframes", *keys, "-o", output, "--method", "network", "--size", "128"
    )
    assert (status, err) == (0, "")
    found, truth = (
        np.log2(np.maximum(read_exr(path).pixels, 1e-3))
        for path in (tmp_path / "00020.exr", KEYS / "courtyard_00020.exr")
    )
    assert np.median(np.abs(found - truth)) < 0.1
    bright = truth > 0.5  # burnt out in the clip
    assert np.median(np.abs(found - truth)[bright]) < 0.15


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "out.png"), "HDR pictures are written as .exr"),
        (("-o", "out.exr"), "a place for the frame's number is needed"),
        (("-o", "out.mp4", "--peak-nits", "50"), "1 <= white <= peak <= 10000"),
        (("-o", "out.mp4", "--white", "0"), "white: a radiance above 0"),
    ],
)
def test_mistakes_are_told_in_one_line(call, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    status, _, err = call("--keyframes", KEYS / "courtyard_00000.exr", "--end", "3", *arguments)
    assert status == 1
    assert said in err
    assert len(err.splitlines()) == 1
    assert not list(tmp_path.glob("out*"))


def test_a_key_frame_of_another_frame_is_told(call, tmp_path):
    wrong = tmp_path / "key_00002.exr"
    shutil.copy(KEYS / "courtyard_00040.exr", wrong)
    status, _, err = call("--keyframes", wrong, "-o", tmp_path / "%d.exr", "--end", "4")
    assert status == 1
    assert "does not show what frame 2 of the clip shows" in err
