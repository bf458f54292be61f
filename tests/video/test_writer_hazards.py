"""An output appears whole or not at all, and nothing else is touched."""

import os
import signal
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from video_clips import Maker, info_of, noise_frames

from vidprop.errors import EncodeError, InputError
from vidprop.video import Frame, PlaneFormat, VideoInfo, create_video, open_video
from vidprop.video._ffmpeg import ffmpeg_path

YUV = PlaneFormat()
FRAMES = noise_frames(YUV, count=4)
LARGE = (320, 240)


@pytest.fixture
def like() -> VideoInfo:
    """A clip of the size of `FRAMES`."""
    return info_of(YUV)


def write(path: Path, frames: list[Frame], like: VideoInfo, **options: object) -> None:
    """Write all the frames."""
    with create_video(path, like=like, **options) as writer:  # type: ignore[arg-type]
        for frame in frames:
            writer.write(frame)


def write_and_stop(path: Path, like: VideoInfo, **options: object) -> None:
    """Fail after two frames."""
    with create_video(path, like=like, **options) as writer:  # type: ignore[arg-type]
        writer.write(FRAMES[0])
        writer.write(FRAMES[1])
        raise StopError


class StopError(Exception):
    """The work between decoder and encoder fails."""


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "%04d.png", "sub/%04d.tif"])
def test_nothing_is_left_after_an_error(name: str, like: VideoInfo, tmp_path: Path) -> None:
    with pytest.raises(StopError):
        write_and_stop(tmp_path / name, like)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.mp4", "%04d.png"])
def test_nothing_appears_before_the_end(name: str, like: VideoInfo, tmp_path: Path) -> None:
    with create_video(tmp_path / name, like=like) as writer:
        for frame in FRAMES:
            writer.write(frame)
        assert all(path.name.startswith(".") for path in tmp_path.iterdir())
    assert not any(path.name.startswith(".") for path in tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.mp4", "%04d.png"])
def test_without_frames_there_is_no_output(name: str, like: VideoInfo, tmp_path: Path) -> None:
    with pytest.raises(EncodeError, match="no frame was written"):
        write(tmp_path / name, [], like)
    assert not list(tmp_path.iterdir())


def test_an_existing_file_is_kept_unless_said_otherwise(like: VideoInfo, tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    path.write_text("precious")
    with pytest.raises(EncodeError, match="the file exists already"):
        create_video(path, like=like)
    with pytest.raises(StopError):
        write_and_stop(path, like, overwrite=True)
    assert path.read_text() == "precious"
    write(path, FRAMES[:1], like, overwrite=True)
    with open_video(path) as reader:
        assert len(list(reader)) == 1


def test_existing_pictures_are_kept_unless_said_otherwise(like: VideoInfo, tmp_path: Path) -> None:
    (tmp_path / "0002.png").write_text("precious")
    (tmp_path / "0009.png").write_text("not in the way")
    with pytest.raises(EncodeError, match="2 such pictures exist already, from number 2"):
        create_video(tmp_path / "%04d.png", like=like)
    write(tmp_path / "%04d.png", FRAMES, like, overwrite=True)
    assert (tmp_path / "0002.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "0009.png").read_text() == "not in the way"


@pytest.mark.parametrize("way", ["same", "dots", "link"])
def test_the_output_is_never_the_input(way: str, made: Maker, tmp_path: Path) -> None:
    source = tmp_path / "a.mkv"
    source.write_bytes(made("a.mkv", "-c:v", "ffv1").read_bytes())
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.mkv").symlink_to(source)
    names = {"same": source, "dots": tmp_path / "sub/../a.mkv", "link": tmp_path / "link.mkv"}
    before = source.read_bytes()
    with open_video(source) as reader, pytest.raises(EncodeError, match="is the input itself"):
        create_video(names[way], like=reader.info, copy_from=source, overwrite=True)
    assert source.read_bytes() == before


def test_pictures_are_never_written_over_their_source(like: VideoInfo, tmp_path: Path) -> None:
    write(tmp_path / "%04d.png", FRAMES, like)
    with open_video(tmp_path) as reader, pytest.raises(EncodeError, match="is the input itself"):
        create_video(tmp_path / "%04d.png", like=reader.info, overwrite=True)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no/such/a.mp4", "the folder .* does not exist"),
        ("file/a.mp4", "does not exist"),
        ("a.wmv", "videos are written as .mp4"),
        ("a", "got no suffix"),
        ("folder.mp4", "is a folder"),
        ("%03d.gif", "videos are written as"),
        ("file/%03d.png", "cannot be written"),
    ],
)
def test_places_that_cannot_be_written(
    name: str, words: str, like: VideoInfo, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(EncodeError, match=words) as caught:
        create_video(tmp_path / name, like=like)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_not_ours(like: VideoInfo, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(EncodeError, match="cannot be written"):
        create_video(tmp_path / "a.mp4", like=like)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.avi"])
def test_a_full_disk(name: str, tmp_path: Path) -> None:
    with pytest.raises(EncodeError, match=f"{name}: the disk is full") as caught:
        write_to_full_disk(tmp_path / name)
    assert "No space left on device" in caught.value.details
    assert not list(tmp_path.iterdir())


def write_to_full_disk(path: Path) -> None:
    """The file being made lies on a device that is always full."""
    with create_video(path, like=info_of(YUV, LARGE), codec="h264", preset="ultrafast") as writer:
        path.with_name(f".{path.name}.part").symlink_to("/dev/full")
        for frame in noise_frames(YUV, count=8, size=LARGE):
            writer.write(frame)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_full_of_pictures(like: VideoInfo, tmp_path: Path) -> None:
    writer = create_video(tmp_path / "%03d.png", like=like)
    stage = next(tmp_path.iterdir())
    (stage / "000.png").symlink_to("/dev/full")
    writer.write(FRAMES[0])
    with pytest.raises(EncodeError, match=r"000.png: the disk is full"):
        writer.commit()
    assert not list(tmp_path.iterdir())


def test_an_encoder_killed_midway(tmp_path: Path) -> None:
    with pytest.raises(EncodeError, match=r"a\.mkv: ffmpeg was ended midway by signal 9"):
        write_and_kill(tmp_path / "a.mkv")
    assert not list(tmp_path.iterdir())


def write_and_kill(path: Path) -> None:
    """End ffmpeg after the first frame."""
    frames = noise_frames(YUV, count=40, size=LARGE)
    with create_video(path, like=info_of(YUV, LARGE)) as writer:
        writer.write(frames[0])
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        for frame in frames[1:]:
            writer.write(frame)


def test_giving_up_leaves_no_process(like: VideoInfo, tmp_path: Path) -> None:
    writer = create_video(tmp_path / "a.mkv", like=like)
    writer.write(FRAMES[0])
    pid = writer.pid
    assert pid is not None
    writer.abort()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="the writer is closed"):
        writer.write(FRAMES[1])


def test_ctrl_c_is_not_for_the_encoder(like: VideoInfo, tmp_path: Path) -> None:
    with create_video(tmp_path / "a.mkv", like=like) as writer:
        writer.write(FRAMES[0])
        assert writer.pid is not None
        assert os.getpgid(writer.pid) != os.getpgrp()
        writer.write(FRAMES[1])


def test_leftovers_of_a_killed_run_are_no_obstacle(like: VideoInfo, tmp_path: Path) -> None:
    (tmp_path / ".a.mkv.part").write_text("half a film")
    with create_video(tmp_path / "a.mkv", like=like) as writer:
        writer.write(FRAMES[0])
    assert [path.name for path in tmp_path.iterdir()] == ["a.mkv"]


def test_what_the_encoder_says_is_one_line_with_details(tmp_path: Path) -> None:
    stored = PlaneFormat(10, (1, 0))
    with pytest.raises(EncodeError, match="too small, input must be at least 256x120") as caught:
        write(tmp_path / "a.mxf", noise_frames(stored), info_of(stored))
    assert "\n" not in str(caught.value)
    assert len(caught.value.details.splitlines()) > 1


def test_frames_before_the_start_are_refused(like: VideoInfo, tmp_path: Path) -> None:
    with pytest.raises(EncodeError, match="lies 5 s before the start"):
        write(tmp_path / "a.mkv", FRAMES, replace(like, start_time=Fraction(5)))


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("a.mov", {"codec": "ffv1"}, ".mov files hold .*, not ffv1"),
        ("a.webm", {"codec": "h264"}, ".webm files hold vp9, av1"),
        ("a.mp4", {"codec": "divx"}, "codec: one of h264, hevc"),
        ("a.mov", {"codec": "prores", "crf": 10}, "prores has no constant quality"),
        ("a.mp4", {"pix_fmt": "yuv410p"}, "h264 takes .*, not yuv410p"),
        ("a.mp4", {"pix_fmt": "nv12"}, "nv12 is not one that files are written in"),
        ("%03d.png", {"crf": 10}, "pictures have no codec, crf or preset"),
        ("%03d.png", {"pix_fmt": "yuv420p"}, "pictures take rgb24"),
    ],
)
def test_wishes_that_cannot_be_met(
    name: str, options: dict[str, object], words: str, like: VideoInfo, tmp_path: Path
) -> None:
    with pytest.raises((EncodeError, InputError), match=words):
        create_video(tmp_path / name, like=like, **options)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer signal")
def test_ctrl_c_while_the_pipe_is_full(tmp_path: Path) -> None:
    """The encoder hangs, the pipe fills, and the user gives up."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            write_to_hanging_encoder(tmp_path / "a.mkv")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert not list(tmp_path.iterdir())


def write_to_hanging_encoder(path: Path) -> None:
    """Write more than the pipe holds, to be interrupted after a fifth of a second."""
    frames = noise_frames(YUV, count=60, size=LARGE)
    with create_video(path, like=info_of(YUV, LARGE)) as writer:
        writer.write(frames[0])
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGSTOP)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        for frame in frames[1:]:
            writer.write(frame)


def test_no_ffmpeg_at_all(like: VideoInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise RuntimeError

    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", missing)
    ffmpeg_path.cache_clear()
    try:
        with pytest.raises(EncodeError, match="name one in IMAGEIO_FFMPEG_EXE"):
            write(tmp_path / "a.mkv", FRAMES, like)
    finally:
        ffmpeg_path.cache_clear()
    assert not list(tmp_path.iterdir())
