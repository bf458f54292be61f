"""A tiny grey clip and one coloured frame of it."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from vidprop.video import Frame, PlaneFormat, VideoInfo, create_video, write_image


@pytest.fixture(scope="session")
def film(tmp_path_factory):
    """A folder with grey.mkv, 12 frames of 64x96, and keys/00000.png."""
    folder = tmp_path_factory.mktemp("film")
    rng = np.random.default_rng(5)
    coarse = rng.uniform(30, 220, (10, 16, 3)).astype(np.float32)
    large = np.clip(cv2.resize(coarse, (112, 64), interpolation=cv2.INTER_CUBIC), 0, 255)
    info = VideoInfo(96, 64, PlaneFormat(grey=True, matrix="bt709"), Fraction(25))
    with create_video(folder / "grey.mkv", like=info, codec="ffv1") as writer:
        for index in range(12):
            luma = 16 + 219 / 255 * (large[:, index : index + 96] @ [0.2126, 0.7152, 0.0722])
            writer.write(Frame(index, Fraction(index, 25), np.rint(luma).astype(np.uint8)))
    (folder / "keys").mkdir()
    write_image(folder / "keys" / "00000.png", large[:, :96].astype(np.uint8))
    return folder
