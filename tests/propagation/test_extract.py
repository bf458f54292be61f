"""Frames worth painting are written under names that lead back to them."""

import numpy as np
import pytest
from small_clips import write_clip

from vidprop.edits.keyfiles import key_files
from vidprop.errors import DecodeError, EncodeError
from vidprop.propagation.extract import extract_key_frames
from vidprop.video import PlaneFormat, read_image, write_image


def test_the_pictures_are_the_frames_in_their_names(tmp_path, truth, grey_clip):
    done = extract_key_frames(grey_clip, tmp_path / "keys", most=8)
    assert done.shots == (range(truth.cut), range(truth.cut, 24))
    assert [f.number for f in key_files([tmp_path / "keys"])] == list(done.pictures)
    assert len(done.pictures) >= 3
    for number, path in done.pictures.items():
        picture = read_image(path)
        assert path.name == f"grey_{number:05d}.png"
        assert np.abs(picture[..., 1] - (truth.luma[number] - 16.0) * 255 / 219).max() <= 0.51


def test_deep_clips_give_deep_pictures(tmp_path, truth):
    layout = PlaneFormat(bit_depth=10, grey=True, matrix="bt709")
    clip = write_clip(tmp_path / "c.mkv", truth.luma[:3].astype(np.uint16) * 4, layout=layout)
    (path,) = extract_key_frames(clip, tmp_path / "keys").pictures.values()
    assert read_image(path).dtype == np.uint16


def test_an_excerpt_of_a_sequence_keeps_its_numbers(tmp_path, truth):
    for number, luma in enumerate(truth.luma[:9], 1001):
        write_image(tmp_path / f"scan.{number}.png", luma)
    clip = tmp_path / "scan.####.png"
    done = extract_key_frames(clip, tmp_path / "keys", start=1003, stop=1008)
    assert list(done.pictures) == [1005]
    assert [path.name for path in done.pictures.values()] == ["scan_01005.png"]


def test_painted_pictures_are_not_overwritten(tmp_path, grey_clip):
    (path, *_) = extract_key_frames(grey_clip, tmp_path).pictures.values()
    path.write_text("painted")
    with pytest.raises(EncodeError, match="is there already"):
        extract_key_frames(grey_clip, tmp_path)
    assert path.read_text() == "painted"
    extract_key_frames(grey_clip, tmp_path, overwrite=True)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_clip_that_is_none_leaves_no_folder(tmp_path):
    (tmp_path / "clip.mp4").write_text("no video")
    with pytest.raises(DecodeError):
        extract_key_frames(tmp_path / "clip.mp4", tmp_path / "keys")
    assert not (tmp_path / "keys").exists()
