"""A small clip whose colours are known: textured blocks that move, two shots."""

import numpy as np
import pytest
from small_clips import FIRST_SHOT, SECOND_SHOT, Truth, luma_codes, shot, write_clip

from vidprop.video import write_image


@pytest.fixture(scope="session")
def truth():
    rgb = np.concatenate([shot(1, FIRST_SHOT), shot(2, SECOND_SHOT)])
    return Truth(np.rint(rgb * 255).astype(np.uint8), luma_codes(rgb), FIRST_SHOT)


@pytest.fixture(scope="session")
def grey_clip(tmp_path_factory, truth):
    return write_clip(tmp_path_factory.mktemp("clip") / "grey.mkv", truth.luma)


@pytest.fixture
def make_keys(tmp_path, truth):
    """Write key frames of these numbers; give back their folder."""

    def make(*numbers, folder="keys"):
        (tmp_path / folder).mkdir(exist_ok=True)
        for number in numbers:
            write_image(tmp_path / folder / f"{number:05d}.png", truth.rgb[number])
        return tmp_path / folder

    return make
