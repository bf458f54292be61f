import json
from dataclasses import dataclass

import pytest

from vidprop.evaluation.protocol import Score
from vidprop.evaluation.tables import clip_table, mean_table, report, to_json


def score(clip, method, psnr, seconds=0.01):
    return Score(clip, method, 29, psnr, 1.5, 0.0005, 0.0002, seconds)


SCORES = [
    score("bus", "copy", 20.0),
    score("bus", "flow", 30.0),
    score("lucia", "copy", 24.0),
    score("lucia", "flow", 31.25),
]


def test_clip_table_has_a_row_a_clip_and_their_mean():
    assert clip_table(SCORES, "psnr") == (
        "| clip  |  copy |  flow |\n"
        "| ----- | ----: | ----: |\n"
        "| bus   | 20.00 | 30.00 |\n"
        "| lucia | 24.00 | 31.25 |\n"
        "| mean  | 22.00 | 30.62 |"
    )


def test_mean_table_has_a_row_a_method():
    lines = mean_table(SCORES).splitlines()
    assert lines[0].split("|")[2].strip() == "PSNR, dB"
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["copy", "flow"]
    assert lines[3].split("|")[2:4] == ["    30.62 ", "         1.50 "]


def test_a_figure_that_a_score_lacks_has_no_table():
    @dataclass(frozen=True)
    class Lesser:
        clip: str
        method: str
        psnr: float

    text = report([Lesser("bus", "levin", 30.5)])
    assert "PSNR" in text
    assert "CDC" not in text


def test_a_missing_score_leaves_its_cell_empty():
    assert "| bus   | 20.00 |       |" in clip_table([SCORES[0], SCORES[3]], "psnr")


def test_json_holds_settings_scores_and_means():
    content = json.loads(to_json(SCORES, {"interval": 30}))
    assert content["settings"] == {"interval": 30}
    assert content["means"]["flow"]["psnr"] == pytest.approx(30.625)
    assert content["scores"][1] == {
        "clip": "bus",
        "method": "flow",
        "frames": 29,
        "psnr": 30.0,
        "delta_e": 1.5,
        "cdc": 0.0005,
        "warp_error": 0.0002,
        "seconds": 0.01,
    }
