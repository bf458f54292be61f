"""The Python example in the guide runs as it stands."""

import re
from pathlib import Path

import numpy as np
import pytest

import vidprop
from vidprop.propagation import Colorizer
from vidprop.video import open_video, read_image

GUIDE = Path(__file__).parents[2] / "docs" / "colorize.md"


@pytest.fixture
def flow_alone(monkeypatch):
    """The network takes seconds to load; what is shown here does not depend on it."""
    monkeypatch.setattr(vidprop, "Colorizer", lambda: Colorizer(method="flow"), raising=False)


def test_a_stream_of_planes_is_coloured(film, flow_alone):
    (example,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    with open_video(film / "grey.mkv") as video:
        lumas = [frame.luma for frame in video]
    painted = read_image(film / "keys" / "00000.png")
    shown = []
    exec(example, {"lumas": lumas, "painted": painted, "show": lambda *args: shown.append(args)})
    assert [index for index, _, _ in shown] == list(range(12))
    assert np.abs(shown[0][1].astype(int) - painted).mean() < 3
    assert all(0 < confidence <= 1 for _, _, confidence in shown)
