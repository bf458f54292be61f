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
