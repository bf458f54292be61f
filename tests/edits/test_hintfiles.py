"""Hints are read from tables and pictures, and mistakes in them are named."""

import numpy as np
import pytest

from vidprop.color.matrices import rgb_to_ycbcr
from vidprop.edits.colour import painted_key
from vidprop.edits.hintfiles import hint_files, point_hints, read_points, stroke_hints
from vidprop.edits.hints import Hint
from vidprop.errors import InputError, KeyFrameError


def _table(tmp_path, text):
    path = tmp_path / "points.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "0,3,4,#ff0080\n",
        "frame,x,y,colour\n0,3,4,#FF0080\n",
        "0, 3, 4, 255, 0, 128\n\n",
        "\ufefframe,x,y,r,g,b\n0,3,4,255,0,128\n",
    ],
)
def test_a_line_is_frame_x_y_and_a_colour(tmp_path, text):
    assert read_points(_table(tmp_path, text)) == [Hint(0, 3, 4, (1.0, 0.0, 128 / 255))]


@pytest.mark.parametrize(
    "line", ["0,3,4,red", "0,3,#ff0000", "0,3,4,256,0,0", "a,b,c,d", "0,3.5,4,#ff0000", "0,1,2,3,4"]
)
def test_a_bad_line_is_named(tmp_path, line):
    with pytest.raises(InputError, match=r"points.csv, line 2: not frame, x, y, colour"):
        read_points(_table(tmp_path, f"0,1,1,#000000\n{line}\n"))


@pytest.mark.parametrize("text", ["", "frame,x,y,colour\n"])
def test_an_empty_table_is_refused(tmp_path, text):
    with pytest.raises(InputError, match="no hint in it"):
        read_points(_table(tmp_path, text))


def test_a_missing_or_binary_table_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"nowhere.csv"):
        read_points(tmp_path / "nowhere.csv")
    (tmp_path / "points.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(InputError, match=r"points.csv"):
        read_points(tmp_path / "points.csv")


def test_tables_and_pictures_are_told_apart(tmp_path):
    table = _table(tmp_path, "7,1,1,#ff0000\n2,1,1,#00ff00\n")
    picture = tmp_path / "strokes_0004.png"
    picture.touch()
    files = hint_files([table, picture])
    assert files.frames == (2, 4, 7)
    assert [p.number for p in files.pictures] == [4]


def test_pictures_need_a_number(tmp_path):
    (tmp_path / "strokes.png").touch()
    with pytest.raises(InputError, match="no frame number; give N=FILE"):
        hint_files([tmp_path / "strokes.png"])
    with pytest.raises(KeyFrameError, match="no such file"):
        hint_files([tmp_path / "nowhere_1.png"])


def test_points_are_moved_to_the_working_size():
    red = (1.0, 0.0, 0.0)
    maps = point_hints([Hint(0, 100, 50, red)], (108, 192), (32, 64), "bt709")
    (place,) = np.argwhere(maps.mask[0])
    assert place.tolist() == [int(50.5 * 32 / 108) // 2, int(100.5 * 64 / 192) // 2]
    assert np.allclose(maps.edit[:, *place], rgb_to_ycbcr(red)[1:])


@pytest.mark.parametrize("place", [(192, 0), (0, 108), (-1, 0)])
def test_a_point_outside_the_frame_is_refused(place):
    with pytest.raises(InputError, match="outside the 192x108 frame"):
        point_hints([Hint(0, *place, (0.0, 0.0, 0.0))], (108, 192), (32, 64), "bt709")


@pytest.mark.parametrize("transparent", [True, False])
def test_strokes_are_what_is_opaque_or_has_colour(transparent):
    picture = np.full((32, 32, 4 if transparent else 3), 90, np.uint8)
    picture[..., 3:] = 0
    picture[8:12, 4:20, :3] = (0, 200, 40)
    picture[8:12, 4:20, 3:] = 255
    maps = stroke_hints(painted_key(picture, 32, 32), (32, 32))
    assert maps.mask.shape == (1, 16, 16)
    assert np.array_equal(np.argwhere(maps.mask[0]).min(0), [4, 2])
    assert np.array_equal(np.argwhere(maps.mask[0]).max(0), [5, 9])
    green = rgb_to_ycbcr(np.array([0, 200, 40]) / 255)[1:]
    assert np.allclose(maps.edit[:, 4, 5], green, atol=1e-5)
