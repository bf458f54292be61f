"""Frames written and read again: samples, times, tags and shapes survive."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from video_clips import Maker, info_of, noise_frames, times_of

from vidprop.color.matrices import rgb_to_ycbcr
from vidprop.color.quantisation import quantise_luma
from vidprop.errors import EncodeError, InputError
from vidprop.video import Frame, PlaneFormat, VideoInfo, create_video, open_video, read_image

GREY16 = PlaneFormat(16, grey=True, full_range=True)
LOSSLESS = [
    ("ffv1.mkv", PlaneFormat(), {"codec": "ffv1"}),
    ("ffv1.mkv", PlaneFormat(8, (0, 0), full_range=True), {"codec": "ffv1"}),
    ("ffv1.mkv", PlaneFormat(10, (1, 0)), {"codec": "ffv1"}),
    ("ffv1.mkv", PlaneFormat(16, (0, 0)), {"codec": "ffv1"}),
    ("ffv1.mkv", PlaneFormat(14, grey=True, full_range=True), {"codec": "ffv1"}),
    ("ffv1.mkv", PlaneFormat(8, (2, 0)), {"codec": "ffv1"}),
    ("ffv1.avi", PlaneFormat(10, (1, 1)), {}),
    ("ffv1.mp4", PlaneFormat(10, (0, 0)), {"codec": "ffv1"}),
    ("x264.mp4", PlaneFormat(), {"crf": 0}),
    ("x264.mkv", PlaneFormat(full_range=True), {"crf": 0}),
    ("x264.mov", PlaneFormat(10, (1, 0)), {"codec": "h264", "crf": 0}),
    ("x265.mp4", PlaneFormat(8, (0, 0)), {"codec": "hevc", "crf": 0}),
    ("vp9.webm", PlaneFormat(10, (1, 0)), {"crf": 0}),
    ("vp9.webm", PlaneFormat(8, (0, 1)), {"crf": 0}),
]
ODD = (33, 17)
EVEN = (48, 32)
SIZES = [EVEN if index % 3 else ODD for index in range(len(LOSSLESS))]


def write(path: Path, frames: list[Frame], like: VideoInfo, **options: object) -> Path:
    """Write all frames and return the path."""
    with create_video(path, like=like, **options) as writer:  # type: ignore[arg-type]
        for frame in frames:
            writer.write(frame)
    return path


def read(path: Path, **options: object) -> tuple[VideoInfo, list[Frame]]:
    """All frames of a file."""
    with open_video(path, **options) as reader:  # type: ignore[arg-type]
        return reader.info, list(reader)


@pytest.mark.parametrize(("name", "stored", "options"), LOSSLESS)
@pytest.mark.parametrize("size", [(48, 32), (33, 17)])
def test_lossless_files_hold_every_sample(
    name: str,
    stored: PlaneFormat,
    options: dict[str, object],
    size: tuple[int, int],
    tmp_path: Path,
) -> None:
    frames = noise_frames(stored, size=size)
    _, again = read(write(tmp_path / name, frames, info_of(stored, size), **options))
    assert len(again) == len(frames)
    for mine, theirs in zip(again, frames, strict=True):
        np.testing.assert_array_equal(mine.luma, theirs.luma)
        if size == EVEN or name.startswith("ffv1"):
            _assert_chroma(mine, theirs)


@pytest.mark.parametrize("bit_depth", [8, 10, 16])
def test_opacity_is_kept(bit_depth: int, tmp_path: Path) -> None:
    stored = PlaneFormat(bit_depth, (0, 0), alpha=True)
    frames = [replace(f, alpha=f.luma[::-1].copy()) for f in noise_frames(stored)]
    info, again = read(write(tmp_path / "a.mkv", frames, info_of(stored), codec="ffv1"))
    assert info.format.alpha
    np.testing.assert_array_equal(again[1].alpha, frames[1].alpha)
    with create_video(tmp_path / "a.mov", like=info_of(stored), codec="prores") as writer:
        writer.write(frames[0])
    assert writer.stored.alpha


@pytest.mark.parametrize("suffix", [".mxf", ".mov"])
def test_dnxhr(suffix: str, tmp_path: Path) -> None:
    size, stored = (256, 120), PlaneFormat(10, (1, 0), matrix="bt709")
    frames = noise_frames(stored, size=size)
    info, again = read(write(tmp_path / f"a{suffix}", frames, info_of(stored, size), codec="dnxhd"))
    assert (info.codec, info.format.bit_depth, len(again)) == ("dnxhd", 10, 3)


def test_single_pixel_clip(tmp_path: Path) -> None:
    frames = noise_frames(PlaneFormat(), count=1, size=(1, 1))
    info, again = read(write(tmp_path / "a.mkv", frames, info_of(PlaneFormat(), (1, 1)), crf=0))
    assert (info.width, info.height, info.frame_count) == (1, 1, 1)
    np.testing.assert_array_equal(again[0].luma, frames[0].luma)


@pytest.mark.parametrize(
    ("suffix", "rate"),
    [
        (".mp4", "24000/1001"),
        (".mp4", "50"),
        (".mov", "30000/1001"),
        (".mkv", "30000/1001"),
        (".mkv", "24000/1001"),
        (".webm", "60000/1001"),
        (".avi", "30000/1001"),
        (".mxf", "30000/1001"),
        (".mxf", "25"),
    ],
)
def test_rates_are_exact(suffix: str, rate: str, tmp_path: Path) -> None:
    exact = Fraction(rate)
    like = replace(info_of(PlaneFormat()), frame_rate=exact)
    frames = [replace(f, time=f.index / exact) for f in noise_frames(PlaneFormat(), count=9)]
    info, again = read(write(tmp_path / f"a{suffix}", frames, like))
    assert (info.frame_rate, info.variable_rate) == (exact, False)
    assert [frame.time for frame in again] == [frame.time for frame in frames]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_variable_rate_keeps_its_times(suffix: str, tmp_path: Path) -> None:
    ticks = [0, 41, 83, 200, 207, 301, 1000, 1017, 1200]
    times = [Fraction(tick, 1000) for tick in ticks]
    like = replace(info_of(PlaneFormat()), variable_rate=True, time_base=Fraction(1, 1000))
    frames = noise_frames(PlaneFormat(), count=len(times))
    frames = [replace(frame, time=time) for frame, time in zip(frames, times, strict=True)]
    path = write(tmp_path / f"a{suffix}", frames, like)
    info, again = read(path)
    assert info.variable_rate
    assert times_of(path) == times
    assert [frame.time for frame in again] == times


def test_fine_ticks_survive_in_mp4(tmp_path: Path) -> None:
    times = [Fraction(t, 90000) for t in (0, 1501, 4507, 4999, 12345)]
    like = replace(info_of(PlaneFormat()), variable_rate=True, time_base=Fraction(1, 90000))
    frames = [
        replace(frame, time=time)
        for frame, time in zip(noise_frames(PlaneFormat(), count=5), times, strict=True)
    ]
    assert times_of(write(tmp_path / "a.mp4", frames, like)) == times


@pytest.mark.parametrize("name", ["a.avi", "a.mxf"])
def test_containers_of_one_rate_refuse_a_variable_one(name: str, tmp_path: Path) -> None:
    like = replace(info_of(PlaneFormat()), variable_rate=True)
    with pytest.raises(EncodeError, match=r"one constant rate.*write mp4, mov or mkv"):
        create_video(tmp_path / name, like=like)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "rotation"), [("a.mp4", 90), ("a.mp4", 180), ("a.mov", 270), ("a.mkv", 90)]
)
def test_rotation_and_pixel_aspect_are_kept(name: str, rotation: int, tmp_path: Path) -> None:
    aspect = Fraction(64, 45) if rotation == 90 else Fraction(1281, 1280)
    like = info_of(PlaneFormat(), rotation=rotation, sample_aspect=aspect)
    frames = noise_frames(PlaneFormat())
    info, again = read(write(tmp_path / name, frames, like, crf=0))
    assert (info.rotation, info.sample_aspect) == (rotation, aspect)
    assert (info.width, info.height) == (48, 32)
    np.testing.assert_array_equal(again[0].luma, frames[0].luma)


def test_a_rotation_that_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EncodeError, match="turned by 90 degrees; write mp4, mov or mkv"):
        create_video(tmp_path / "a.avi", like=info_of(PlaneFormat(), rotation=90))


TAGS = {
    "a.mp4 h264": ("bt709", "bt709", "bt709"),
    "a.mkv hevc": ("bt2020nc", "bt2020", "bt2020-10"),
    "a.mov prores": ("bt2020nc", "bt2020", "bt709"),
    "a.mov h264": ("smpte170m", "smpte170m", "smpte170m"),
    "a.mkv ffv1": ("bt470bg", "bt470bg", "bt709"),
    "a.mp4 ffv1": ("bt709", "bt709", "iec61966-2-1"),
    "a.webm vp9": ("smpte170m", "smpte170m", "bt709"),
    "a.mp4 av1": ("bt2020nc", "bt2020", "bt2020-10"),
}


@pytest.mark.parametrize(("target", "tags"), TAGS.items(), ids=TAGS)
def test_colour_tags_are_written_and_read(
    target: str, tags: tuple[str, str, str], tmp_path: Path
) -> None:
    name, codec = target.split()
    matrix, primaries, transfer = tags
    size = (64, 64)
    stored = PlaneFormat(10, (1, 1), matrix=matrix, primaries=primaries, transfer=transfer)
    frames = noise_frames(stored, count=2, size=size)
    path = write(tmp_path / name, frames, info_of(stored, size), codec=codec)
    found = read(path)[0].format
    assert (found.matrix, found.primaries, found.transfer) == tags
    assert not found.full_range


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "h264"), ("a.mkv", "ffv1"), ("a.webm", "vp9")]
)
def test_full_range_is_written_and_read(name: str, codec: str, tmp_path: Path) -> None:
    stored = PlaneFormat(full_range=True, matrix="bt709")
    frames = noise_frames(stored, count=2)
    path = write(tmp_path / name, frames, info_of(stored), codec=codec)
    assert read(path)[0].format.full_range


def test_untagged_stays_untagged(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", noise_frames(PlaneFormat()), info_of(PlaneFormat()), crf=0)
    found = read(path)[0].format
    assert (found.matrix, found.primaries, found.transfer) == ("unknown",) * 3


def test_grey_source_with_colour_result_keeps_its_luma(made: Maker, tmp_path: Path) -> None:
    source = made("g.mkv", "-c:v", "ffv1", pix_fmt="gray16le")
    with open_video(source) as reader:
        stored = reader.info.format.in_colour((0, 0))
        with create_video(
            tmp_path / "c.mkv", like=reader.info, format=stored, codec="ffv1"
        ) as writer:
            for frame in reader:
                chroma = np.full((2, *frame.luma.shape), 40000, np.uint16)
                writer.write(replace(frame, chroma=chroma))
    info, coloured = read(tmp_path / "c.mkv")
    assert not info.format.grey
    for mine, theirs in zip(coloured, read(source)[1], strict=True):
        np.testing.assert_array_equal(mine.luma, theirs.luma)
        assert mine.chroma is not None
        assert (mine.chroma == 40000).all()


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("bit_depth", [8, 10])
def test_luma_is_in_the_rgb_of_pictures_code_for_code(
    suffix: str, bit_depth: int, tmp_path: Path
) -> None:
    stored = PlaneFormat(bit_depth, (1, 1), matrix="bt709")
    frames = noise_frames(stored)
    write(tmp_path / f"f%03d{suffix}", frames, info_of(stored))
    for frame in frames:
        rgb = read_image(tmp_path / f"f{frame.index:03d}{suffix}")
        assert rgb.dtype == (np.uint8 if bit_depth == 8 else np.uint16)
        luma = rgb_to_ycbcr(rgb / np.iinfo(rgb.dtype).max)[..., 0]
        np.testing.assert_array_equal(quantise_luma(luma, bit_depth, False), frame.luma)


def test_full_range_goes_to_prores_and_back_exactly(tmp_path: Path) -> None:
    stored = PlaneFormat(8, grey=True, full_range=True)
    flat = np.full((32, 48), 0, np.uint8)
    frames = [Frame(i, Fraction(i, 24), flat + np.uint8(51 * i)) for i in range(6)]
    like = info_of(stored)
    with create_video(tmp_path / "a.mov", like=like, codec="prores") as writer:
        assert not writer.stored.full_range
        assert writer.stored.bit_depth == 10
        for frame in frames:
            writer.write(frame)
    for mine, theirs in zip(read(tmp_path / "a.mov")[1], frames, strict=True):
        eight = np.rint((mine.luma.astype(float) - 64) / 876 * 255)
        assert np.abs(eight - theirs.luma).max() <= 0.5


def test_frames_that_do_not_fit_are_refused_and_nothing_is_left(tmp_path: Path) -> None:
    good, later = noise_frames(PlaneFormat(10), count=2)
    bad = {
        "luma must be uint16 .* got uint8": replace(later, luma=later.luma.astype(np.uint8)),
        r"luma must be uint16 \[32, 48\]": replace(later, luma=later.luma[:-1]),
        "chroma planes do not fit": replace(later, chroma=None),
        "codes above 1023": replace(later, luma=later.luma + np.uint16(1000)),
        "is not after the one before": replace(later, time=Fraction(0)),
    }
    for words, frame in bad.items():
        with pytest.raises(InputError, match=words):
            write(tmp_path / "a.mkv", [good, frame], info_of(PlaneFormat(10)))
        assert not list(tmp_path.iterdir())


def _assert_chroma(mine: Frame, theirs: Frame) -> None:
    if theirs.chroma is None:
        return
    np.testing.assert_array_equal(mine.chroma, theirs.chroma)
