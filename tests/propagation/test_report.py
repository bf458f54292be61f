"""The report is one file that says what a user needs to know."""

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from vidprop.propagation.gallery import Gallery
from vidprop.propagation.outcome import Outcome
from vidprop.propagation.plan import Borrowed
from vidprop.propagation.report import report, write_report
from vidprop.video import Frame, PlaneFormat

LAYOUT = PlaneFormat(matrix="bt709")


def _frame(index):
    luma = np.full((36, 64), 100, np.uint8)
    return Frame(index, Fraction(index, 25), luma, np.full((2, 18, 32), 128, np.uint8))


def _gallery(confidence, wanted, start=0):
    gallery = Gallery(LAYOUT, range(start, start + len(confidence)), wanted)
    for index, trust in enumerate(confidence, start):
        gallery.offer(_frame(index), float(trust))
    return gallery


@pytest.fixture
def outcome():
    confidence = np.concatenate([np.linspace(1, 0.4, 60), np.zeros(20), np.full(20, 0.8)])
    return Outcome(
        output=Path("a<b.mp4"),
        frames=range(100, 200),
        keys={100: "first.png", 130: "key_130.png"},
        found={Path("first.png"): 100},
        unused=(300,),
        confidence=confidence.astype(np.float32),
        shots=(range(100, 160), range(160, 180), range(180, 200)),
        borrowed=(Borrowed(range(180, 200), 130, 185),),
        grey=(range(160, 180),),
        gallery=_gallery(confidence, [100, 130], start=100),
        before_after=np.zeros((72, 192, 3), np.uint8),
        notes=(),
        work=None,
    )


def test_everything_is_in_it(outcome):
    text = re.sub("<[^>]+>", " ", report(outcome))
    for fact in (
        "a&lt;b.mp4",
        "100 frames (100 to 199), 2 key frames, 3 shots",
        "frame 100: first.png (found by its look)",
        "frame 130: key_130.png",
        "not used: 300",
        "160 to 179 none: left grey",
        "borrowed: 130, for frame 185 first",
        "confidence 0.00",
    ):
        assert fact in " ".join(text.split())


def test_it_needs_no_other_file(outcome):
    html = report(outcome)
    assert not re.search(r'(src|href)="(?!data:)', html)
    assert "<svg" in html
    assert html.count("data:image/jpeg;base64,") >= 4


def test_it_is_written_whole(outcome, tmp_path):
    write_report(tmp_path / "r.html", outcome)
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == report(outcome)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_long_clip_has_no_long_report():
    confidence = np.random.default_rng(0).random(30_000)
    gallery = _gallery(confidence, range(0, 30_000, 10))
    assert len(gallery.pictures) < 150
    worst = int(np.argmin(confidence))
    assert gallery.nearest(worst) == worst
