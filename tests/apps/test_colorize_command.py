"""`vidprop colorize` and `vidprop keyframes` as a user calls them."""

import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from vidprop.apps.main import run
from vidprop.errors import EncodeError
from vidprop.video import open_video, probe_video, read_image


@pytest.fixture
def call(capsys):
    """Run a command; give back the exit status and what it said."""

    def call(*arguments):
        status = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


def _colorize(film, output, *arguments):
    keys = film / "keys"
    settings = ("--method", "flow", "--size", "64")
    return "colorize", film / "grey.mkv", "--keyframes", keys, "-o", output, *settings, *arguments


def _frames(path):
    with open_video(path) as video:
        return list(video)


def test_a_clip_is_coloured_and_a_report_written(film, tmp_path, call):
    output = tmp_path / "out.mkv"
    status, out, err = call(*_colorize(film, output, "--codec", "ffv1"))
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == f"{output}: 12 frames in colour"
    assert (tmp_path / "out.report.html").exists()
    before, after = _frames(film / "grey.mkv"), _frames(output)
    assert all(np.array_equal(a.luma, b.luma) for a, b in zip(before, after, strict=True))
    assert all(frame.chroma.std() > 5 for frame in after)


def test_the_output_has_a_name_of_its_own_if_none_is_given(film, tmp_path, call):
    clip = tmp_path / "grey.mkv"
    clip.write_bytes((film / "grey.mkv").read_bytes())
    status, out, _ = call(
        "colorize", clip, "--keyframes", film / "keys", "--method", "flow", "--no-report"
    )
    assert status == 0
    assert (tmp_path / "grey-colour.mkv").exists()
    assert not list(tmp_path.glob("*.html"))
    assert "finished parts" in out


def test_a_preview_is_small_and_leaves_the_output_alone(film, tmp_path, call, monkeypatch):
    monkeypatch.setattr("vidprop.apps.colorize._PREVIEW_LINES", 32)
    monkeypatch.setattr("vidprop.apps.colorize._PREVIEW_SECONDS", 0.2)
    output = tmp_path / "out.mkv"
    for _ in range(2):
        status, _, err = call(*_colorize(film, output, "--preview"))
        assert (status, err) == (0, "")
    info = probe_video(tmp_path / "out-preview.mkv")
    assert (info.width, info.height, info.frame_count) == (48, 32, 5)
    assert [path.name for path in tmp_path.iterdir()] == ["out-preview.mkv"]


def test_a_preview_of_a_short_clip_is_all_of_it(film, tmp_path, call):
    status, _, err = call(*_colorize(film, tmp_path / "out.mkv", "--preview"))
    assert (status, err) == (0, "")
    assert probe_video(tmp_path / "out-preview.mkv").frame_count == 12


def test_an_excerpt_and_both_sides(film, tmp_path, call):
    output = tmp_path / "out.mkv"
    status, _, err = call(*_colorize(film, output, "--end", "0.2s", "--compare", "--no-keep-work"))
    assert (status, err) == (0, "")
    info = probe_video(output)
    assert (info.width, info.frame_count) == (192, 5)
    assert not (tmp_path / ".vidprop").exists()


def test_pictures_come_out_of_a_pattern(film, tmp_path, call):
    status, _, err = call(*_colorize(film, tmp_path / "f.%03d.png", "--no-report"))
    assert (status, err) == (0, "")
    assert len(list(tmp_path.glob("f.*.png"))) == 12
    assert np.ptp(read_image(tmp_path / "f.005.png").astype(int), axis=2).max() > 20


def test_what_the_user_should_know_is_said(film, tmp_path, call):
    picture = tmp_path / "painted.png"
    picture.write_bytes((film / "keys" / "00000.png").read_bytes())
    status, out, _ = call(
        *_colorize(film, tmp_path / "o.mkv", "--keyframes", picture)[:2],
        *("--keyframes", picture, "-o", tmp_path / "o.mkv", "--method", "flow"),
    )
    assert status == 0
    assert "painted.png: found to be frame 0" in out


def test_frames_worth_painting_lead_to_a_coloured_clip(film, tmp_path, call):
    status, out, err = call("keyframes", film / "grey.mkv", "-o", tmp_path / "keys", "--most", "8")
    paths = out.splitlines()
    assert (status, err) == (0, f"{len(paths)} frames to paint, of 1 shots\n")
    assert re.fullmatch(r"grey_\d{5}\.png", paths[0].rsplit("/", 1)[-1])
    status, _, err = call(
        *("colorize", film / "grey.mkv", "--keyframes", *paths),
        *("-o", tmp_path / "out.mkv", "--method", "flow"),
    )
    assert (status, err) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere.mp4", "--keyframes", "KEYS"), "nowhere.mp4: no such file"),
        (("CLIP", "--keyframes", "nowhere"), "key frame nowhere: no such file"),
        (("CLIP",), "key frames: neither pictures nor hints are given"),
        (("CLIP", "--keyframes", "KEYS", "--start", "x"), "'x' is no frame number"),
        (("CLIP", "--keyframes", "KEYS", "--method", "magic"), "method: one of network, flow"),
        (("CLIP", "--keyframes", "KEYS", "--size", "8"), "size: at least 32, got 8"),
        (("CLIP", "--keyframes", "KEYS", "--codec", "wax"), "wax"),
        (("CLIP", "--keyframes", "KEYS", "--weights", "no.safetensors"), "no.safetensors"),
        (("CLIP", "--hints", "no.csv"), "no.csv"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_status_1(film, tmp_path, call, arguments, message):
    places = {"CLIP": film / "grey.mkv", "KEYS": film / "keys"}
    words = [places.get(word, word) for word in arguments]
    status, out, err = call("colorize", *words, "-o", tmp_path / "out.mkv")
    assert (status, out) == (1, "")
    assert message in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verbose", [True, False])
def test_ffmpegs_last_words_are_told_on_request(film, tmp_path, call, monkeypatch, verbose):
    def fail(job, on_progress):
        raise EncodeError("ffmpeg failed: wrong size", "line one\nline two")

    monkeypatch.setattr("vidprop.apps.colorize.colorize", fail)
    status, _, err = call(*_colorize(film, tmp_path / "out.mkv"), *["--verbose"] * verbose)
    assert status == 1
    assert err == "line one\nline two\n" * verbose + "vidprop: ffmpeg failed: wrong size\n"


@pytest.mark.parametrize("arguments", [("colorize",), ("colorize", "a.mp4", "--colour", "b")])
def test_wrong_usage_is_status_2(call, arguments):
    status, _, err = call(*arguments)
    assert status == 2
    assert "Usage" in err


@pytest.mark.parametrize("name", ["colorize", "keyframes", "densify"])
def test_help_has_examples(call, name):
    status, out, _ = call(name, "--help")
    assert status == 0
    assert f"vidprop {name} " in out
    assert "Examples" in out


def test_ctrl_c_is_status_130_and_leaves_no_output(film, tmp_path):
    code = "import sys, time; from vidprop.propagation import flow; one = flow._one_way\n"
    code += "flow._one_way = lambda *a: (time.sleep(0.5) or e for e in one(*a))\n"
    code += "from vidprop.apps.main import run; sys.exit(run(sys.argv[1:]))"
    output = tmp_path / "out.mkv"
    command = [sys.executable, "-c", code, *map(str, _colorize(film, output))]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # A shell's background jobs ignore Ctrl-C, and so would what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / ".vidprop").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err + out
    assert not output.exists()
    assert not [path for path in tmp_path.iterdir() if path.is_file()]
