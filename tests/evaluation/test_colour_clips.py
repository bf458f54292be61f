import cv2
import numpy as np
import pytest

from vidprop.errors import DecodeError, InputError
from vidprop.evaluation.clips import (
    clip_paths,
    load_clip,
    load_first,
    load_photo,
    to_rgb,
)


def test_a_clip_is_decoded_to_its_colours(clip_folder, pictures):
    clip = load_clip(clip_folder / "long.mkv", lines=64)
    assert clip.name == "long"
    assert clip.luma.shape == (9, 64, 96)
    assert clip.chroma.shape == (9, 2, 64, 96)
    for index, picture in enumerate(pictures):
        np.testing.assert_allclose(clip.rgb(index), picture / 255, atol=0.012)


def test_a_clip_of_another_matrix_is_turned_into_bt709(bt601_clip, pictures):
    clip = load_clip(bt601_clip, lines=64)
    np.testing.assert_allclose(clip.rgb(1), pictures[1] / 255, atol=0.012)


def test_only_the_frames_asked_for_are_read(clip_folder):
    assert len(load_clip(clip_folder / "long.mkv", lines=64, frames=3)) == 3


def test_the_short_side_gets_the_lines_and_both_are_multiples_of_16(clip_folder):
    assert load_clip(clip_folder / "long.mkv", lines=33).luma.shape[1:] == (32, 48)


def test_a_photograph_is_a_clip_of_one_frame(tmp_path, pictures):
    picture = pictures[0][:, :48]
    cv2.imwrite(str(tmp_path / "photo.png"), picture[..., ::-1])
    photo = load_first(tmp_path / "photo.png", lines=48)
    assert len(photo) == 1
    np.testing.assert_allclose(photo.rgb(0), picture / 255, atol=1e-5)


def test_the_first_frame_of_a_clip(clip_folder):
    first = load_first(clip_folder / "long.mkv", lines=64)
    np.testing.assert_array_equal(first.luma, load_clip(clip_folder / "long.mkv", 64).luma[:1])


def test_half_size_chroma_is_enlarged_about_the_centres_of_its_pixels():
    chroma = np.zeros((2, 2, 2), np.float32)
    chroma[1, :, 1] = 0.4
    rgb = to_rgb(np.full((4, 4), 0.5, np.float32), chroma)
    red = 0.5 + 1.5748 * np.array([0, 0.1, 0.3, 0.4])
    np.testing.assert_allclose(rgb[..., 0], np.broadcast_to(np.clip(red, 0, 1), (4, 4)), atol=1e-5)


def test_what_is_no_video_or_image_is_refused(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"nothing")
    (tmp_path / "a.png").write_bytes(b"nothing")
    with pytest.raises(DecodeError, match=r"a\.mp4"):
        load_clip(tmp_path / "a.mp4")
    with pytest.raises(DecodeError, match=r"a\.png"):
        load_photo(tmp_path / "a.png")


def test_clips_of_a_folder_come_by_name(clip_folder, tmp_path):
    assert [path.stem for path in clip_paths(clip_folder)] == ["long", "short"]
    assert clip_paths(clip_folder / "long.mkv") == [clip_folder / "long.mkv"]
    with pytest.raises(InputError, match="no file ends in"):
        clip_paths(tmp_path)
