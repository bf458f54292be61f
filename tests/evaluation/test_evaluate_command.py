import json

import cv2
import pytest
from typer.testing import CliRunner

from vidprop.apps.evaluate import app
from vidprop.errors import InputError


def evaluate(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_colour_prints_tables_and_writes_scores_and_sheets(clip_folder, tmp_path):
    text = evaluate(
        *("colour", clip_folder, "--interval", 4, "--sides", "both", "--lines", 64),
        *("--json", tmp_path / "scores.json", "--sheets", tmp_path / "sheets"),
        *("--methods", "copy,flow-weighted", "--threads", 1),
    )
    assert [line for line in text.splitlines() if line.startswith("| long ")]
    assert "### CDC" in text
    content = json.loads((tmp_path / "scores.json").read_text())
    assert content["settings"] == {"interval": 4, "sides": "both", "frames": 5, "lines": 64}
    assert set(content["means"]) == {"truth", "copy", "flow-weighted"}
    sheet = cv2.imread(str(tmp_path / "sheets" / "long.png"))
    assert sheet.shape == (18 + 3 * 64, 3 * 96, 3)


def test_default_methods_go_with_the_sides(clip_folder):
    one = evaluate("colour", clip_folder / "long.mkv", "--interval", 3, "--lines", 64)
    both = evaluate(
        "colour", clip_folder / "long.mkv", "--interval", 3, "--lines", 64, "--sides", "both"
    )
    assert "flow-medium" in one
    assert "flow-both" not in one
    assert "flow-both" in both


def test_sparse_reads_clips_and_photographs(clip_folder, tmp_path):
    text = evaluate(
        *("sparse", clip_folder, "--hints", 30, "--lines", 64, "--methods", "levin,levin-half"),
        *("--sheets", tmp_path),
    )
    assert "| long " in text
    assert "levin-half" in text
    assert cv2.imread(str(tmp_path / "short.png")).shape == (18 + 64, 4 * 96, 3)


def test_an_unknown_method_is_named_with_those_there_are(clip_folder):
    with pytest.raises(InputError, match="'magic' is none of copy, flow"):
        evaluate("colour", clip_folder, "--methods", "magic")


def test_the_chain_scores_its_frames_and_draws_them(clip_folder, tmp_path):
    text = evaluate(
        *("chain", clip_folder, "--frames", "0,5", "--hints", 40, "--lines", 64),
        *("--threads", 1, "--sheets", tmp_path, "--json", tmp_path / "scores.json"),
    )
    assert "| long, frame 5 " in text
    assert "short" not in text
    scores = json.loads((tmp_path / "scores.json").read_text())["scores"]
    given = {(s["clip"], s["method"]): s["psnr"] for s in scores}
    assert given["long, frame 0", "whole key frame"] == 80
    assert given["long, frame 0", "hints, densified"] < given["long, frame 0", "whole key frame"]
    assert cv2.imread(str(tmp_path / "long.png")).shape == (18 + 2 * 64, 3 * 96, 3)


@pytest.mark.parametrize(
    ("frames", "words"), [("0,x", "numbers from 0 on"), ("0,900", "no clip has 901 frames")]
)
def test_frames_of_the_chain_must_be_there(clip_folder, frames, words):
    with pytest.raises(InputError, match=words):
        evaluate("chain", clip_folder, "--frames", frames)


def test_the_cost_is_within_what_a_frame_may_take():
    rows = [line.split("|") for line in evaluate("cost").splitlines() if "448x256" in line]
    assert len(rows) == 3
    assert all(0 < float(row[-2]) <= 10 for row in rows)
