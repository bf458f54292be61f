"""Which frame a file is of."""

import pytest

from vidprop.edits.keyfiles import key_files, number_in
from vidprop.errors import KeyFrameError


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("00012.png", 12),
        ("ref_000897.png", 897),
        ("clip4k_v2.0031.tif", 31),
        ("first.png", None),
    ],
)
def test_the_last_run_of_digits_is_the_number(name, number):
    assert number_in(name) == number


def _touch(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_a_folder_gives_its_pictures_in_order_of_their_numbers(tmp_path):
    folder = _touch(tmp_path / "keys", "b_10.png", "a_200.png", "c_3.JPG", "notes.txt")
    assert [file.number for file in key_files([folder])] == [3, 10, 200]


def test_a_number_can_be_given_before_the_name(tmp_path):
    path = _touch(tmp_path, "v7.png") / "v7.png"
    (file,) = key_files([f"12={path}"])
    assert (file.path, file.number) == (path, 12)


def test_files_without_a_number_come_last(tmp_path):
    _touch(tmp_path, "first.png", "5.png")
    assert [f.number for f in key_files([tmp_path / "first.png", tmp_path / "5.png"])] == [5, None]


def test_two_files_for_one_frame_are_refused(tmp_path):
    _touch(tmp_path, "a_5.png", "b_5.png")
    with pytest.raises(KeyFrameError, match=r"key frame 5 is given twice: .*a_5.png, .*b_5.png"):
        key_files([tmp_path])


@pytest.mark.parametrize("argument", ["nowhere/00001.png", "3=nowhere.png"])
def test_a_missing_file_is_named(argument):
    with pytest.raises(KeyFrameError, match=r"nowhere.*: no such file"):
        key_files([argument])


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(KeyFrameError, match="no picture in the folder"):
        key_files([tmp_path])


def test_at_least_one_is_needed():
    with pytest.raises(KeyFrameError, match="none given"):
        key_files([])
