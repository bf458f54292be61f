"""Bad input and bad luck: one clear error, nothing half-written, nothing lost."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from small_clips import read_clip, write_clip

from vidprop.edits.keyfiles import key_files
from vidprop.errors import DecodeError, EncodeError, InputError, VidpropError
from vidprop.propagation import ColourJob, Wishes, colorize
from vidprop.video import write_image


@pytest.fixture
def job(tmp_path, make_keys):
    """A job for a clip of this name that writes out.mp4."""

    def make(clip, **settings):
        keys = key_files([make_keys(0)])
        settings = {"input": tmp_path / clip, "output": tmp_path / "out.mp4"} | settings
        return ColourJob(keys=keys, method="flow", size=64, **settings)

    return make


def _refused(job, error, message):
    """The error is one line, and leaves nothing behind."""
    before = sorted(path for path in job.output.parent.rglob("*"))
    with pytest.raises(error, match=message) as caught:
        colorize(job)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, VidpropError)
    after = [path for path in job.output.parent.rglob("*") if ".vidprop" not in path.parts]
    assert sorted(after) == before


def test_an_empty_file(tmp_path, job):
    (tmp_path / "clip.mp4").touch()
    _refused(job("clip.mp4"), DecodeError, r"clip.mp4: the file is empty")


def test_a_missing_file(job):
    _refused(job("clip.mp4"), DecodeError, r"clip.mp4: no such file")


def test_text_named_mp4(tmp_path, job):
    (tmp_path / "clip.mp4").write_text("this is no video\n" * 50)
    _refused(job("clip.mp4"), DecodeError, r"clip.mp4")


def test_a_truncated_file(tmp_path, truth, job):
    clip = write_clip(tmp_path / "clip.mkv", np.concatenate([truth.luma] * 4))
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    _refused(job("clip.mkv"), DecodeError, r"clip.mkv: .*cut short")


def test_a_truncated_file_can_be_read_as_far_as_it_goes(tmp_path, truth, job):
    from vidprop.propagation import Reading

    clip = write_clip(tmp_path / "clip.mkv", np.concatenate([truth.luma] * 4))
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    outcome = colorize(job("clip.mkv", reading=Reading(keep_damaged=True)))
    assert 10 < len(outcome.frames) < 90


def test_sound_without_picture(tmp_path, job):
    _ffmpeg("-f", "lavfi", "-i", "sine=duration=0.2", tmp_path / "clip.mp4")
    _refused(job("clip.mp4"), DecodeError, r"clip.mp4: .*no video")


def test_pictures_of_differing_sizes(tmp_path, truth, job):
    for number, luma in enumerate(truth.luma[:4]):
        write_image(tmp_path / f"scan_{number}.png", luma if number < 2 else luma[:48])
    _refused(job("scan_%d.png"), DecodeError, r"scan_2.png")


def test_a_video_without_frames(tmp_path, truth, job):
    clip = write_clip(tmp_path / "whole.mkv", truth.luma[:3])
    _ffmpeg("-i", clip, "-t", "0", "-c", "copy", tmp_path / "clip.mkv")
    _refused(job("clip.mkv"), DecodeError, r"clip.mkv")


def test_a_frame_size_that_changes_midway(tmp_path, job):
    for name, size in (("a", "96x64"), ("b", "128x96")):
        source = f"testsrc=size={size}:rate=25:duration=0.4"
        target = tmp_path / f"{name}.ts"
        _ffmpeg("-f", "lavfi", "-i", source, "-c:v", "mpeg2video", "-pix_fmt", "yuv420p", target)
    parts = [(tmp_path / name).read_bytes() for name in ("a.ts", "b.ts")]
    (tmp_path / "clip.ts").write_bytes(b"".join(parts))
    _refused(job("clip.ts"), DecodeError, r"clip.ts")


def test_an_unreadable_key_frame(tmp_path, grey_clip, job):
    (tmp_path / "key_1.png").write_bytes(b"\x89PNG but not really")
    keys = key_files([tmp_path / "key_1.png"])
    wanted = ColourJob(input=grey_clip, output=tmp_path / "out.mp4", keys=keys, method="flow")
    _refused(wanted, DecodeError, r"key_1.png: not a readable picture")


def test_a_gigapixel_key_frame(tmp_path, grey_clip):
    import struct
    import zlib

    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    (tmp_path / "key_1.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    keys = key_files([tmp_path / "key_1.png"])
    wanted = ColourJob(input=grey_clip, output=tmp_path / "out.mp4", keys=keys, method="flow")
    _refused(wanted, InputError, r"key_1.png: too large")


def test_an_output_folder_that_is_not_there(tmp_path, grey_clip, job):
    wanted = job(grey_clip, output=tmp_path / "nowhere" / "out.mp4")
    with pytest.raises(EncodeError, match="nowhere does not exist"):
        colorize(wanted)
    assert not (tmp_path / "nowhere").exists()


def test_an_output_that_cannot_be_written(tmp_path, grey_clip, job):
    _refused(job(grey_clip, output=tmp_path / "keys"), VidpropError, "keys")
    _refused(job(grey_clip, output=tmp_path / "out.xyz"), EncodeError, "videos are written as")
    wishes = Wishes(codec="prores")
    _refused(job(grey_clip, wishes=wishes), EncodeError, r"\.mp4 files hold .*, not prores")


def test_a_full_disk_while_work_is_stored(tmp_path, grey_clip, job, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vidprop.propagation.store.np.savez", full)
    _refused(job(grey_clip), EncodeError, "No space left on device")


def test_ffmpeg_killed_midway(tmp_path, grey_clip, job):
    killed = []

    def kill(progress):
        if progress.stage == "write" and progress.done == 8 and not killed:
            killed.append(_children_named("ffmpeg"))
            for pid in killed[0]:
                os.kill(pid, signal.SIGKILL)

    wanted = job(grey_clip)
    with pytest.raises(EncodeError) as caught:
        colorize(wanted, kill)
    assert killed[0]
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []
    assert len(colorize(wanted).frames) == 24


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path, truth, make_keys, job, sent):
    clip = write_clip(tmp_path / "clip.mkv", np.concatenate([truth.luma[:14]] * 6))
    settings = {"keys": key_files([make_keys(0, 5, 10)]), "method": "flow", "size": 64}
    whole = ColourJob(input=clip, output=tmp_path / "whole.mp4", reuse_keys=True, **settings)
    colorize(whole)
    output = tmp_path / "out.mp4"
    run = subprocess.Popen(
        [sys.executable, "-c", _RUN, clip, tmp_path / "keys", output],
        # A shell's background jobs ignore Ctrl-C, and so would what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    work = tmp_path / ".vidprop" / "out.mp4"
    deadline = time.monotonic() + 60
    while run.poll() is None and time.monotonic() < deadline and not list(work.glob("*.npz")):
        time.sleep(0.005)
    run.send_signal(sent)
    assert run.wait(60) != 0
    assert not output.exists()
    colorize(ColourJob(input=clip, output=output, reuse_keys=True, **settings))
    assert output.read_bytes() == whole.output.read_bytes()
    assert read_clip(output)[0].shape == (84, 64, 96)
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".tmp", ".part")]


# Slow enough to be hit before its end.
_RUN = """
import sys, time
from pathlib import Path
from vidprop.edits.keyfiles import key_files
from vidprop.propagation import ColourJob, colorize

clip, keys, output = map(Path, sys.argv[1:])
job = ColourJob(input=clip, output=output, keys=key_files([keys]), method="flow", size=64,
                reuse_keys=True)
colorize(job, lambda progress: time.sleep(0.02 if progress.stage != "look" else 0))
"""


def _ffmpeg(*arguments):
    import imageio_ffmpeg

    program = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([program, "-v", "error", *map(str, arguments)], check=True)


def _children_named(name):
    """Process numbers of our children, on Linux."""
    own = os.getpid()
    children = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                with open(f"/proc/{entry.name}/stat") as file:
                    head, tail = file.read().rsplit(")", 1)
            except OSError:
                continue
            if name in head and int(tail.split()[1]) == own:
                children.append(int(entry.name))
    return children
