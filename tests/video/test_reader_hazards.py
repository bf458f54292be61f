"""Files that are broken, or not what their name says, are answered in one line."""

import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from video_clips import COUNT, Maker, run_ffmpeg

from vidprop.errors import DecodeError, InputError
from vidprop.video import VideoInfo, open_video, probe_video

H264 = ("-c:v", "libx264", "-g", "8")


def read_all(path: Path, **options: object) -> int:
    """Read every frame and count them."""
    with open_video(path, **options) as reader:  # type: ignore[arg-type]
        return sum(1 for _ in reader)


def refused(path: Path, words: str, **options: object) -> None:
    """Opening or reading fails with these words, in one line."""
    with pytest.raises(DecodeError, match=words) as caught:
        read_all(path, **options)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    refused(tmp_path / "no.mp4", "no such file")


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    refused(tmp_path / "a.mp4", "the file is empty")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".png"])
def test_text_under_another_name(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_text("this is no film at all\n" * 200)
    refused(path, "not a readable|no video")


def test_sound_without_picture(tmp_path: Path) -> None:
    run_ffmpeg("-f", "lavfi", "-i", "sine", "-t", "0.2", tmp_path / "a.mp4")
    refused(tmp_path / "a.mp4", "no video in it, only audio")


def test_no_frames(made: Maker, tmp_path: Path) -> None:
    source = made("a.mp4", *H264)
    path = tmp_path / "a.mp4"
    run_ffmpeg("-i", source, "-c", "copy", "-frames:v", 0, path)
    refused(path, "no frame|no video|not a readable")


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_files_cut_short(name: str, share: float, made: Maker, tmp_path: Path) -> None:
    codec = ("-c:v", "libvpx-vp9", "-cpu-used", "8") if name == "a.webm" else H264
    first = ("-movflags", "+faststart") if name == "a.mp4" else ()
    data = made(name, *codec, *first, count=60).read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: int(len(data) * share)])
    refused(path, "cut short, only [0-9]+ frames are there|damaged|breaks off")


def test_what_is_left_of_a_cut_file_can_be_asked_for(made: Maker, tmp_path: Path) -> None:
    data = made("a.mkv", *H264, count=60).read_bytes()
    (tmp_path / "a.mkv").write_bytes(data[: len(data) // 2])
    assert 10 < read_all(tmp_path / "a.mkv", damaged="keep") < 60


def test_an_mp4_without_its_index(made: Maker, tmp_path: Path) -> None:
    data = made("a.mp4", *H264, count=60).read_bytes()
    (tmp_path / "a.mp4").write_bytes(data[: len(data) * 2 // 3])
    refused(tmp_path / "a.mp4", "not a readable video")


def test_damage_in_the_middle_is_found_by_ffv1_checksums(made: Maker, tmp_path: Path) -> None:
    """The decoder itself would patch the frame up without a word."""
    source = made("a.mkv", "-c:v", "ffv1", "-level", "3", "-slicecrc", "1", "-g", "1")
    data = bytearray(source.read_bytes())
    data[len(data) * 5 // 8] ^= 0xFF
    (tmp_path / "a.mkv").write_bytes(data)
    refused(tmp_path / "a.mkv", "near frame [2-4] the file is damaged: its checksum is wrong")
    assert read_all(tmp_path / "a.mkv", damaged="keep") == COUNT


def test_damage_in_the_middle_is_found_in_h264(made: Maker, tmp_path: Path) -> None:
    data = bytearray(made("a.mp4", *H264, count=40).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = np.random.default_rng(1).bytes(400)
    (tmp_path / "a.mp4").write_bytes(data)
    refused(tmp_path / "a.mp4", "the file is damaged")


def test_a_size_that_changes_midway(made: Maker, tmp_path: Path) -> None:
    small, large = made("a.ts", *H264), made("a.ts", *H264, size=(64, 48))
    (tmp_path / "a.ts").write_bytes(small.read_bytes() + large.read_bytes())
    refused(tmp_path / "a.ts", "the size changes at frame 6, from 48x32 to 64x48")


def test_a_format_that_changes_midway(made: Maker, tmp_path: Path) -> None:
    one, other = made("a.ts", *H264), made("a.ts", *H264, pix_fmt="yuv444p")
    (tmp_path / "a.ts").write_bytes(one.read_bytes() + other.read_bytes())
    refused(tmp_path / "a.ts", "the format changes at frame 6, from 4:2:0 8 bit.* to 4:4:4 8 bit")


def test_a_recording_that_starts_between_key_frames(made: Maker, tmp_path: Path) -> None:
    """What cannot be decoded at the start is skipped, and frame 0 is the first that can."""
    data = made("a.ts", *H264, count=48).read_bytes()
    start = len(data) // 3 // 188 * 188
    head = data[: 188 * 3]  # the tables that say which streams there are
    (tmp_path / "a.ts").write_bytes(head + data[start:])
    with open_video(tmp_path / "a.ts") as reader:
        frames = list(reader)
    assert 8 <= len(frames) < 48
    assert reader.info.frame_count == len(frames)
    assert frames[0].index == 0


@pytest.fixture(scope="module")
def interlaced(made: Maker) -> Path:
    """MPEG-2 marked as interlaced."""
    flags = ("-flags", "+ilme+ildct", "-field_order", "tt")
    setfield = ("-vf", "scale=48:32,format=yuv420p,setfield=tff")
    return made("i.mpg", "-c:v", "mpeg2video", "-q:v", "2", *flags, *setfield)


def test_interlaced_is_refused_with_advice(interlaced: Path) -> None:
    assert probe_video(interlaced).interlaced
    refused(interlaced, "interlaced; --deinterlace makes frames of its fields, --progressive takes")


def test_interlaced_can_be_deinterlaced_or_taken_as_it_is(interlaced: Path) -> None:
    with open_video(interlaced, deinterlace=False) as reader:
        woven = list(reader)
    with open_video(interlaced, deinterlace=True) as reader:
        smooth = list(reader)
    assert len(woven) == len(smooth) == COUNT
    assert [f.time for f in woven] == [f.time for f in smooth]
    assert any((a.luma != b.luma).any() for a, b in zip(woven, smooth, strict=True))


@pytest.mark.parametrize(
    ("start", "end"), [(-1, None), (3, 3), (4, 2), (COUNT, None), (0, COUNT + 1)]
)
def test_parts_outside_the_clip(start: int, end: int | None, made: Maker) -> None:
    with pytest.raises(InputError, match="start, end:"):
        open_video(made("a.mp4", *H264), start=start, end=end)


def test_closing_early_leaves_no_thread_and_no_open_file(made: Maker) -> None:
    before = set(threading.enumerate())
    for taken in (0, 1, 3):
        reader = open_video(made("a.mkv", "-c:v", "ffv1", count=60, size=(320, 200)))
        for _ in range(taken):
            next(reader)
        reader.close()
        reader.close()
        assert list(reader) == []
    assert set(threading.enumerate()) <= before


def test_frames_are_not_read_far_ahead(made: Maker) -> None:
    """Memory does not grow when whoever takes the frames is slow."""
    path = made("a.mkv", "-c:v", "ffv1", count=60, size=(320, 200))
    with open_video(path) as reader:
        next(reader)
        assert reader._frames._queue.maxsize <= 8


def test_a_single_frame(made: Maker) -> None:
    info = probe_video(made("one.mp4", *H264, count=1))
    assert (info.frame_count, info.frame_rate, info.duration) == (1, 24, Fraction(1, 24))
    assert read_all(made("one.mp4", *H264, count=1)) == 1


def test_names_with_colons_and_percent_signs(made: Maker, tmp_path: Path) -> None:
    for name in ("http:a.mp4", "100%d.mp4", "concat:x|y.mp4"):
        (tmp_path / name).write_bytes(made("a.mp4", *H264).read_bytes())
        assert read_all(tmp_path / name) == COUNT


def test_probing_tells_what_the_file_says(made: Maker) -> None:
    info = probe_video(made("a.mov", "-c:v", "prores_ks", pix_fmt="yuv422p10le", rate="30000/1001"))
    assert isinstance(info, VideoInfo)
    assert (info.codec, info.width, info.height) == ("prores", 48, 32)
    assert (info.frame_count, info.frame_count_exact) == (COUNT, True)
    assert info.frame_rate == Fraction(30000, 1001)
    assert info.duration == COUNT * Fraction(1001, 30000)
    assert str(info.format) == "4:2:2 10 bit, limited range"


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_long_films_are_opened_before_they_are_read_through(
    name: str, made: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(name, *H264, count=60)
    with open_video(path) as reader:
        whole = list(reader)
    monkeypatch.setattr("vidprop.video._index._BYTES_READ", 2000)
    with open_video(path) as reader:
        assert reader.info.frame_count == 60
        assert not reader.info.frame_count_exact
        assert [frame.time for frame in reader] == [frame.time for frame in whole]
    with open_video(path, start=50, end=55) as reader:
        part = list(reader)
    assert [frame.time for frame in part] == [frame.time for frame in whole[50:55]]
    assert all((a.luma == b.luma).all() for a, b in zip(part, whole[50:55], strict=True))


def test_a_clock_that_starts_again_is_replaced_by_counting(made: Maker, tmp_path: Path) -> None:
    """Two recordings joined end to end."""
    data = made("a.ts", *H264).read_bytes()
    (tmp_path / "a.ts").write_bytes(data + data)
    with open_video(tmp_path / "a.ts") as reader:
        times = [frame.time - reader.info.start_time for frame in reader]
    assert times == [Fraction(k, 24) for k in range(2 * COUNT)]
