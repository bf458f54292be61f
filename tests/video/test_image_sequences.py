"""Folders and patterns of pictures as videos, in and out."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from video_clips import info_of, noise_frames, run_ffmpeg

from vidprop.errors import DecodeError, InputError
from vidprop.video import (
    Frame,
    PlaneFormat,
    VideoInfo,
    create_video,
    open_video,
    probe_video,
    read_exr,
    read_image,
    write_exr,
    write_image,
)

GREY8 = PlaneFormat(8, grey=True, full_range=True)
GREY16 = PlaneFormat(16, grey=True, full_range=True)
RGB8 = PlaneFormat(8, rgb=True, matrix="bt709")


def write(target: Path, frames: list[Frame], like: VideoInfo, **options: object) -> None:
    """Write all frames."""
    with create_video(target, like=like, **options) as writer:  # type: ignore[arg-type]
        for frame in frames:
            writer.write(frame)


def read(path: Path, **options: object) -> tuple[VideoInfo, list[Frame]]:
    """All frames and what they are."""
    with open_video(path, **options) as reader:  # type: ignore[arg-type]
        return reader.info, list(reader)


def numbered(folder: Path, pattern: str, numbers: list[int]) -> list[np.ndarray]:
    """Write grey pictures whose brightness is their number."""
    folder.mkdir(exist_ok=True)
    images = [np.full((4, 6), number % 256, np.uint8) for number in numbers]
    for number, image in zip(numbers, images, strict=True):
        write_image(folder / (pattern % number), image)
    return images


@pytest.mark.parametrize("name", ["%05d.png", "shot.%04d.tif", "x%d.png", "a_%03d_b.tiff"])
@pytest.mark.parametrize("stored", [GREY8, GREY16], ids=str)
def test_grey_luma_comes_back_sample_for_sample(
    name: str, stored: PlaneFormat, tmp_path: Path
) -> None:
    frames = noise_frames(stored, count=12)
    write(tmp_path / name, frames, info_of(stored))
    info, again = read(tmp_path / name)
    assert (str(info.format), info.frame_count, info.frame_rate) == (str(stored), 12, 24)
    assert info.format.matrix == "bt709"
    assert [frame.time for frame in again] == [Fraction(k, 24) for k in range(12)]
    for mine, theirs in zip(again, frames, strict=True):
        np.testing.assert_array_equal(mine.luma, theirs.luma)


def test_every_way_to_name_a_sequence(tmp_path: Path) -> None:
    folder = tmp_path / "shot"
    numbered(folder, "name.%04d.png", [1001, 1002, 1003])
    (folder / "notes.txt").write_text("no picture")
    for name in ("name.%04d.png", "name.####.png", "name.1001.png", "."):
        info, frames = read(folder / name)
        assert [int(f.luma[0, 0]) for f in frames] == [1001 % 256, 1002 % 256, 1003 % 256]
        assert [f.index for f in frames] == [0, 1, 2]
        assert info.first_number == 1001
    _, later = read(folder / "name.1002.png")
    assert len(later) == 2


def test_numbers_are_kept_from_source_to_output(tmp_path: Path) -> None:
    numbered(tmp_path / "in", "a.%04d.png", [1001, 1002, 1003, 1004])
    with open_video(tmp_path / "in", start=1, end=3) as reader:
        write(tmp_path / "out" / "b.%04d.png", list(reader), reader.info)
        assert reader.info.frame_count == 2
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["b.1002.png", "b.1003.png"]


def test_the_first_number_can_be_chosen(tmp_path: Path) -> None:
    write(tmp_path / "%d.png", noise_frames(GREY8, 2), info_of(GREY8), first_number=86)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["86.png", "87.png"]


def test_a_folder_as_output_gets_numbers(tmp_path: Path) -> None:
    write(tmp_path, noise_frames(GREY8, 2), info_of(GREY8))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["00000.png", "00001.png"]


def test_the_rate_of_pictures_can_be_given(tmp_path: Path) -> None:
    numbered(tmp_path / "in", "%03d.png", [0, 1])
    info, frames = read(tmp_path / "in", frame_rate=Fraction(30000, 1001))
    assert info.frame_rate == Fraction(30000, 1001)
    assert frames[1].time == Fraction(1001, 30000)


def test_counting_over_a_power_of_ten_keeps_the_order(tmp_path: Path) -> None:
    numbered(tmp_path / "in", "f%d.png", list(range(8, 13)))
    _, frames = read(tmp_path / "in")
    assert [int(frame.luma[0, 0]) for frame in frames] == [8, 9, 10, 11, 12]


def test_a_picture_without_a_number_is_a_clip_of_one_frame(tmp_path: Path) -> None:
    write_image(tmp_path / "still.png", np.full((3, 5), 9, np.uint8))
    info, frames = read(tmp_path / "still.png")
    assert (info.frame_count, len(frames), info.first_number) == (1, 1, None)


def test_missing_numbers_are_named(tmp_path: Path) -> None:
    numbered(tmp_path / "in", "%03d.png", [4, 5, 8, 9, 11])
    with pytest.raises(DecodeError, match="of numbers 4 to 11, 3 are missing, the first is 6"):
        open_video(tmp_path / "in" / "%03d.png")


def test_nothing_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name, words in {
        "empty": "no numbered pictures in this folder",
        "%03d.png": "there is no such file",
        "no/%03d.png": "there is no such file",
        "no.png": "no such file",
    }.items():
        with pytest.raises(DecodeError, match=words):
            open_video(tmp_path / name)


def test_two_sequences_in_a_folder_are_not_mixed(tmp_path: Path) -> None:
    numbered(tmp_path / "in", "a%03d.png", [0, 1])
    numbered(tmp_path / "in", "b%03d.png", [0, 1])
    with pytest.raises(DecodeError, match="several sequences in this folder"):
        open_video(tmp_path / "in")
    assert len(read(tmp_path / "in" / "b%03d.png")[1]) == 2


def test_two_places_for_a_number(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one place for the number, not 2"):
        create_video(tmp_path / "%03d.%03d.png", like=info_of(GREY8))


def test_pictures_of_another_size_or_kind(tmp_path: Path) -> None:
    numbered(tmp_path / "in", "%03d.png", [0, 1])
    write_image(tmp_path / "in" / "002.png", np.zeros((5, 6), np.uint8))
    with pytest.raises(DecodeError, match=r"002.png: the size changes here, from 6x4 to 6x5"):
        read(tmp_path / "in")
    write_image(tmp_path / "in" / "002.png", np.zeros((4, 6), np.uint16))
    with pytest.raises(DecodeError, match=r"002.png: the format changes here, from grey 8 bit"):
        read(tmp_path / "in")


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".exr"])
def test_a_damaged_picture(suffix: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    dtype = np.float32 if suffix == ".exr" else np.uint8
    for number in range(3):
        image = (rng.random((40, 60, 3)) * 200).astype(dtype)
        write_image(tmp_path / f"{number}{suffix}", image)
    whole = (tmp_path / f"1{suffix}").read_bytes()
    (tmp_path / f"1{suffix}").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DecodeError, match=f"1{suffix}: "):
        read(tmp_path / f"%d{suffix}")


def test_rgb_pictures_of_equal_channels_have_them_as_luma(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for dtype, peak in ((np.uint8, 255), (np.uint16, 65535)):
        grey = rng.integers(0, peak + 1, (9, 7), dtype)
        write_image(tmp_path / "0.png", np.dstack([grey] * 3))
        info, frames = read(tmp_path / "0.png")
        assert info.format.rgb
        np.testing.assert_array_equal(frames[0].luma, grey)
        assert (frames[0].chroma == info.format.neutral).all()


def test_rgb_pictures_come_back_within_a_code(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    image = rng.integers(0, 256, (32, 48, 3), np.uint8)
    write_image(tmp_path / "0.png", image)
    info, frames = read(tmp_path / "0.png")
    write(tmp_path / "out_%d.png", frames, info)
    again = read_image(tmp_path / "out_0.png").astype(int)
    assert np.abs(again - image).max() <= 2


def test_jpeg_gives_its_own_planes(tmp_path: Path) -> None:
    picture = ("-f", "lavfi", "-i", "testsrc2=s=64x64", "-frames:v", 1, "-pix_fmt", "yuvj420p")
    run_ffmpeg(*picture, tmp_path / "0.jpg")
    raw = run_ffmpeg("-i", tmp_path / "0.jpg", "-f", "rawvideo", "-pix_fmt", "yuvj420p", "-")
    info, frames = read(tmp_path / "0.jpg")
    assert (info.format.subsampling, info.format.full_range) == ((1, 1), True)
    np.testing.assert_array_equal(frames[0].luma.ravel(), np.frombuffer(raw, np.uint8)[: 64 * 64])


def test_opacity_goes_along(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (32, 48, 4), np.uint8)
    write_image(tmp_path / "0.png", image)
    info, frames = read(tmp_path / "0.png")
    assert info.format.alpha
    np.testing.assert_array_equal(frames[0].alpha, image[..., 3])
    write(tmp_path / "out_%d.png", frames, info)
    np.testing.assert_array_equal(read_image(tmp_path / "out_0.png")[..., 3], image[..., 3])


def test_linear_exr_comes_back_bit_for_bit_where_it_is_grey(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    light = (2.0 ** rng.uniform(-14, 15, (32, 48))).astype(np.float16)
    light[0, :4] = [0, 65504, 1, 0.18]
    write_exr(tmp_path / "in.1001.exr", light)
    info, frames = read(tmp_path / "in.1001.exr")
    assert (info.format.bit_depth, info.format.grey, info.first_number) == (16, True, 1001)
    write(tmp_path / "out.%04d.exr", frames, info)
    again = read_exr(tmp_path / "out.1001.exr")
    np.testing.assert_array_equal(again.pixels.astype(np.float16), light)


def test_linear_exr_in_colour_keeps_its_light(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    light = 2.0 ** rng.uniform(-6, 4, (32, 48, 3))
    write_exr(tmp_path / "in0.exr", light)
    info, frames = read(tmp_path / "in0.exr")
    write(tmp_path / "out%d.exr", frames, info)
    again = read_exr(tmp_path / "out0.exr").pixels
    np.testing.assert_allclose(again, light, rtol=0.003)


def test_video_as_exr_is_the_light_of_its_display(tmp_path: Path) -> None:
    stored = PlaneFormat(10, (0, 0), matrix="bt709")
    white = Frame(
        0, Fraction(0), np.full((4, 4), 940, np.uint16), np.full((2, 4, 4), 512, np.uint16)
    )
    middle = replace(white, index=1, time=Fraction(1), luma=np.full((4, 4), 502, np.uint16))
    write(tmp_path / "%d.exr", [white, middle], info_of(stored, (4, 4)))
    assert read_exr(tmp_path / "0.exr").pixels[0, 0, 0] == pytest.approx(1, abs=1e-3)
    assert read_exr(tmp_path / "1.exr").pixels[0, 0, 0] == pytest.approx(0.5**2.4, abs=1e-3)


def test_other_readers_see_the_same_pictures(tmp_path: Path) -> None:
    frames = noise_frames(GREY16, count=1)
    for suffix in (".png", ".tif"):
        write(tmp_path / f"%d{suffix}", frames, info_of(GREY16))
        image = cv2.imread(str(tmp_path / f"0{suffix}"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(image, frames[0].luma)


def test_probing_a_sequence(tmp_path: Path) -> None:
    numbered(tmp_path / "in", "%03d.png", [3, 4, 5])
    info = probe_video(tmp_path / "in")
    assert (info.container, info.codec, info.frame_count) == ("images", "png", 3)
    assert info.path == tmp_path / "in" / "003.png"
