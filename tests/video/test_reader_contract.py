"""Whatever the container, codec and layout: the samples are those ffmpeg itself decodes."""

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from video_clips import COUNT, HEIGHT, WIDTH, Maker, run_ffmpeg, times_of

from vidprop.video import Frame, PlaneFormat, open_video
from vidprop.video.conversion import from_rgb


@dataclass(frozen=True)
class Case:
    """A file to be made and what must be read of it."""

    name: str
    pix_fmt: str
    options: tuple[str, ...]
    expected: PlaneFormat
    planar: str = ""
    size: tuple[int, int] = (WIDTH, HEIGHT)
    times: bool = field(default=True)

    def __str__(self) -> str:
        return f"{self.name}-{self.options[1]}-{self.pix_fmt}"


def case(name: str, encoder: str, pix_fmt: str, *options: str, **more: object) -> Case:
    """A case whose expected format is written as keywords of PlaneFormat."""
    size = more.pop("size", (WIDTH, HEIGHT))
    planar = str(more.pop("planar", ""))
    times = bool(more.pop("times", True))
    expected = PlaneFormat(**more)  # type: ignore[arg-type]
    return Case(name, pix_fmt, ("-c:v", encoder, *options), expected, planar, size, times)  # type: ignore[arg-type]


# x265 of ffmpeg 9 crashes at more than 8 bits in pictures narrower than 64.
X265 = ("-x265-params", "log-level=error")
CASES = [
    case("a.mp4", "libx264", "yuv420p"),
    case("a.mp4", "libx264", "yuv420p", size=(50, 34)),
    case("a.mov", "libx264", "yuv422p10le", bit_depth=10, subsampling=(1, 0)),
    case("a.mkv", "libx264", "yuv444p", "-qp", "0", subsampling=(0, 0), size=(33, 17)),
    case("a.avi", "libx264", "yuv420p", times=False),
    case("a.ts", "libx264", "yuv420p"),
    case("a.mp4", "libx265", "yuv420p10le", *X265, bit_depth=10, size=(64, 48)),
    case("a.mkv", "libx265", "yuv444p12le", *X265, bit_depth=12, subsampling=(0, 0), size=(64, 48)),
    case("a.mp4", "libaom-av1", "yuv420p10le", "-cpu-used", "8", bit_depth=10),
    case("a.webm", "libvpx-vp9", "yuv420p", "-cpu-used", "8", size=(47, 31)),
    case("a.webm", "libvpx-vp9", "yuv440p12le", "-cpu-used", "8", bit_depth=12, subsampling=(0, 1)),
    case("a.mov", "prores_ks", "yuv422p10le", bit_depth=10, subsampling=(1, 0)),
    case("a.mkv", "ffv1", "yuv420p", size=(1, 1)),
    case("a.mkv", "ffv1", "yuv444p16le", bit_depth=16, subsampling=(0, 0), size=(7, 5)),
    case("a.mkv", "ffv1", "gray", grey=True, full_range=True),
    case("a.mkv", "ffv1", "gray12le", bit_depth=12, grey=True, full_range=True),
    case("a.avi", "ffv1", "yuv411p", subsampling=(2, 0)),
    case("a.mkv", "ffv1", "yuv410p", subsampling=(2, 2)),
    case("a.mxf", "mpeg2video", "yuv422p", "-q:v", "2", subsampling=(1, 0)),
    case("a.mpg", "mpeg2video", "yuv420p", "-q:v", "2"),
    case("a.avi", "mjpeg", "yuvj420p", full_range=True),
    case("a.mov", "v210", "yuv422p10le", bit_depth=10, subsampling=(1, 0)),
    case("a.mov", "rawvideo", "uyvy422", subsampling=(1, 0), planar="yuv422p"),
    case("a.avi", "rawvideo", "bgr24", rgb=True, planar="gbrp", size=(47, 31)),
    case("a.avi", "utvideo", "gbrp", rgb=True),
    case("a.mkv", "ffv1", "gbrp10le", bit_depth=10, rgb=True),
    case("a.mkv", "ffv1", "bgra", rgb=True, planar="gbrap", alpha=True),
]  # fmt: skip


@pytest.mark.parametrize("one", CASES, ids=str)
def test_samples_are_the_ones_ffmpeg_decodes(one: Case, made: Maker) -> None:
    path = made(one.name, *one.options, pix_fmt=one.pix_fmt, size=one.size)
    with open_video(path) as reader:
        frames = list(reader)
    assert len(frames) == COUNT
    assert [frame.index for frame in frames] == list(range(COUNT))
    assert _shape_of(reader.info.format) == _shape_of(one.expected)
    for frame, (planes, alpha) in zip(frames, _reference(one, path), strict=True):
        _assert_planes(frame, planes, alpha)


@pytest.mark.parametrize("one", [c for c in CASES if c.times], ids=str)
def test_times_are_the_files_and_the_rate_is_exact(one: Case, made: Maker) -> None:
    path = made(one.name, *one.options, pix_fmt=one.pix_fmt, size=one.size)
    with open_video(path) as reader:
        times = [frame.time for frame in reader]
    info = reader.info
    assert (info.frame_rate, info.variable_rate) == (24, False)
    assert (info.width, info.height) == one.size
    steps = {later - sooner for sooner, later in pairwise(times)}
    assert steps == {Fraction(1, 24)}
    for time, stored in zip(times, times_of(path), strict=True):
        assert abs(time - stored) <= info.time_base


def test_reads_the_same_frames_from_any_start(made: Maker) -> None:
    for name, options in _SEEKABLE:
        path = made(name, *options, count=20)
        with open_video(path) as reader:
            whole = list(reader)
        for start, end in ((1, 4), (7, 20), (13, None), (19, 20)):
            with open_video(path, start=start, end=end) as reader:
                part = list(reader)
            assert [f.index for f in part] == list(range(start, end or 20))
            assert reader.info.frame_count == len(part)
            assert reader.info.first_frame == start
            for mine, theirs in zip(part, whole[start:end], strict=True):
                assert mine.time == theirs.time
                _assert_planes(mine, [theirs.luma, *theirs.chroma], None)  # type: ignore[misc]


_SEEKABLE = [
    ("b.mp4", ("-c:v", "libx264", "-g", "6", "-bf", "2")),
    ("b.mkv", ("-c:v", "libx265", "-x265-params", "log-level=error:keyint=5:open-gop=1")),
    ("b.ts", ("-c:v", "libx264", "-g", "6")),
    ("b.mpg", ("-c:v", "mpeg2video", "-g", "5", "-bf", "2", "-q:v", "2")),
    ("b.avi", ("-c:v", "libx264", "-g", "6")),
]


def _shape_of(stored: PlaneFormat) -> tuple[object, ...]:
    return (
        stored.bit_depth, stored.subsampling, stored.grey, stored.full_range, stored.rgb,
        stored.alpha,
    )  # fmt: skip


def _reference(one: Case, path: Path) -> list[tuple[list[np.ndarray], np.ndarray | None]]:
    """Planes as the ffmpeg binary writes them to a pipe."""
    expected = one.expected
    name = one.planar or one.pix_fmt.replace("yuvj", "yuv")
    data = run_ffmpeg("-i", path, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt",
                      one.planar or one.pix_fmt, "-")  # fmt: skip
    samples = np.frombuffer(data, np.uint8 if expected.bit_depth == 8 else "<u2")
    width, height = one.size
    chroma = (height, width) if name.startswith("gbr") else expected.chroma_size(height, width)
    shapes = [(height, width)] + ([] if expected.grey else [chroma] * 2)
    shapes += [(height, width)] if expected.alpha else []
    each = samples.reshape(COUNT, sum(h * w for h, w in shapes))
    return [_split(frame, shapes, expected) for frame in each]


def _split(
    samples: np.ndarray, shapes: list[tuple[int, int]], expected: PlaneFormat
) -> tuple[list[np.ndarray], np.ndarray | None]:
    ends = np.cumsum([h * w for h, w in shapes])[:-1]
    planes = [p.reshape(s) for p, s in zip(np.split(samples, ends), shapes, strict=True)]
    alpha = planes.pop() if expected.alpha else None
    if expected.rgb:
        green, blue, red = planes
        luma, chroma = from_rgb(np.stack([red, green, blue], axis=2), expected.bit_depth)
        planes = [luma, *chroma]
    return planes, alpha


def _assert_planes(frame: Frame, planes: list[np.ndarray], alpha: np.ndarray | None) -> None:
    np.testing.assert_array_equal(frame.luma, planes[0])
    if len(planes) == 1:
        assert frame.chroma is None
    else:
        np.testing.assert_array_equal(frame.chroma, np.stack(planes[1:]))
    if alpha is not None:
        np.testing.assert_array_equal(frame.alpha, alpha)
