"""The small parts: half codes, FFV1 checksums, frames made ahead, rates, plans."""

import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from video_clips import Maker

from vidprop.errors import EncodeError
from vidprop.video import PlaneFormat, plan_encoding
from vidprop.video import _half as half
from vidprop.video._ffv1 import checksums_hold
from vidprop.video._pattern import written_pattern
from vidprop.video._prefetch import Prefetched
from vidprop.video._rate import constant_rate, on_grid

EVERY_HALF = np.arange(0x7C01, dtype=np.uint16).view(np.float16)


def test_every_positive_half_has_a_code_of_its_own_in_order() -> None:
    codes = half.to_codes(EVERY_HALF)
    assert (np.diff(codes.astype(int)) >= 1).all()
    np.testing.assert_array_equal(half.from_codes(codes), EVERY_HALF)


def test_codes_in_between_are_rounded_and_none_is_out_of_range() -> None:
    codes = np.arange(65536).astype(np.uint16)
    light = half.from_codes(codes)
    assert (np.diff(light.astype(float)[:-8000]) >= 0).all()
    assert light.max() == np.inf


def test_codes_of_known_light() -> None:
    light = np.array([-1, 0, np.nan, 0.001, 1, np.inf], np.float32)
    assert half.to_codes(light).tolist() == [0, 0, 0, 5145, 46005, 62389]


def test_checksums_of_ffv1(made: Maker) -> None:
    summed = made("s.mkv", "-c:v", "ffv1", "-level", "3", "-slicecrc", "1")
    plain = made("p.mkv", "-c:v", "ffv1", "-level", "3", "-slicecrc", "0")
    packets = _packets(summed)
    assert all(checksums_hold(packet) for packet in packets)
    assert not any(checksums_hold(packet) for packet in _packets(plain))
    for place in (0, len(packets[0]) // 2, len(packets[0]) - 1):
        broken = bytearray(packets[0])
        broken[place] ^= 1
        assert not checksums_hold(bytes(broken))


def test_items_are_made_ahead_but_not_far() -> None:
    made = []

    def source() -> Iterator[int]:
        for item in range(100):
            made.append(item)
            yield item

    items = Prefetched(source(), ahead=3)
    assert next(items) == 0
    deadline = time.monotonic() + 5
    while len(made) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(made) == 5  # one taken, three waiting, one in hand
    items.close()
    assert list(items) == []


def test_errors_come_out_in_their_place() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise KeyError("two")

    items = Prefetched(source(), ahead=2)
    assert next(items) == 1
    with pytest.raises(KeyError, match="two"):
        next(items)
    assert list(items) == []


def test_the_source_is_closed_in_its_own_thread() -> None:
    closed_in = []

    def source() -> Iterator[int]:
        try:
            while True:
                yield 0
        finally:
            closed_in.append(threading.current_thread().name)

    items = Prefetched(source(), ahead=1)
    next(items)
    items.close()
    assert closed_in == ["vidprop-decode"]


@pytest.mark.parametrize(
    ("rate", "time_base", "said"),
    [
        ("30000/1001", "1/1000", "30000/1001"),
        ("60000/1001", "1/1000", "19001/317"),
        ("24000/1001", "1/90000", "24000/1001"),
        ("25", "1/12800", "25"),
        ("12", "1/600", "12"),
    ],
)
def test_rounded_times_have_the_exact_rate(rate: str, time_base: str, said: str) -> None:
    exact, tick = Fraction(rate), Fraction(time_base)
    times = [round(k / exact / tick) for k in range(500)]
    assert constant_rate(times, tick, [None, Fraction(said)]) == exact


def test_a_gap_is_a_variable_rate() -> None:
    times = [0, 40, 80, 160, 200]
    assert constant_rate(times, Fraction(1, 1000), [Fraction(25)]) is None


def test_times_are_set_on_the_grid_only_if_near() -> None:
    rate, tick = Fraction(30000, 1001), Fraction(1, 1000)
    assert on_grid(Fraction(33, 1000), Fraction(0), rate, tick) == Fraction(1001, 30000)
    assert on_grid(Fraction(40, 1000), Fraction(0), rate, tick) == Fraction(40, 1000)


ODD = (853, 480)
EIGHT, TEN = PlaneFormat(), PlaneFormat(10, (1, 0))
GREY = PlaneFormat(16, grey=True, full_range=True)
RGB = PlaneFormat(8, rgb=True, matrix="bt709")
PLANS = [
    ("a.mp4", EIGHT, {}, "h264 4:2:0 8 bit, limited range crf 16"),
    ("a.mp4", TEN, {}, "hevc 4:2:0 10 bit, limited range crf 18"),
    ("a.mov", TEN, {"source_codec": "prores"}, "prores 4:2:2 10 bit, limited range crf None"),
    ("a.mov", EIGHT, {"codec": "prores_ks"}, "prores 4:2:2 10 bit, limited range crf None"),
    ("a.mkv", TEN, {"codec": "ffv1"}, "ffv1 4:2:2 10 bit, limited range crf None"),
    ("a.mkv", EIGHT, {"source_codec": "ffv1"}, "ffv1 4:2:0 8 bit, limited range crf None"),
    ("a.mkv", GREY, {"codec": "ffv1"}, "ffv1 grey 16 bit, full range crf None"),
    ("a.mp4", GREY, {}, "hevc 4:2:0 10 bit, full range crf 18"),
    ("a.mov", GREY, {"codec": "prores"}, "prores 4:2:2 10 bit, limited range crf None"),
    ("a.mp4", RGB, {}, "h264 4:2:0 8 bit, full range crf 16"),
    ("a.mp4", RGB, {"crf": 0}, "h264 4:4:4 8 bit, full range crf 0"),
    ("a.mp4", TEN, {"codec": "h264", "crf": 0}, "h264 4:2:2 10 bit, limited range crf 0"),
    ("a.mp4", EIGHT, {"size": ODD}, "h264 4:4:4 8 bit, limited range crf 16"),
    ("a.webm", EIGHT, {"size": ODD}, "vp9 4:2:0 8 bit, limited range crf 20"),
    ("a.webm", EIGHT, {"codec": "av1"}, "av1 4:2:0 8 bit, limited range crf 22"),
    ("a.webm", EIGHT, {"codec": "av1", "size": ODD}, "av1-aom 4:2:0 8 bit, limited range crf 20"),
    ("a.avi", EIGHT, {}, "h264 4:2:0 8 bit, limited range crf 16"),
    ("a.avi", EIGHT, {"source_codec": "huffyuv"}, "ffv1 4:2:0 8 bit, limited range crf None"),
    ("a.mxf", EIGHT, {}, "mpeg2 4:2:0 8 bit, limited range crf None"),
    ("a.mxf", TEN, {}, "dnxhd 4:2:2 10 bit, limited range crf None"),
    ("a.mp4", EIGHT, {"pix_fmt": "yuv444p10"}, "h264 4:4:4 10 bit, limited range crf 16"),
    ("a.mkv", EIGHT, {"pix_fmt": "rgb48", "codec": "ffv1"}, "ffv1 RGB 16 bit, full range crf None"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given", "wishes", "expected"), PLANS)
def test_what_is_encoded_unless_told_otherwise(
    name: str, given: PlaneFormat, wishes: dict[str, object], expected: str
) -> None:
    plan = plan_encoding(name, given, **{"size": (1920, 1080), **wishes})  # type: ignore[arg-type]
    assert f"{plan.codec} {plan.format} crf {plan.crf}" == expected


def test_unknown_containers() -> None:
    with pytest.raises(EncodeError, match=r"videos are written as \.mp4"):
        plan_encoding("a.flv", EIGHT, size=(64, 64))


@pytest.mark.parametrize(
    ("name", "number", "file"),
    [
        ("%05d.png", 7, "00007.png"),
        ("shot.####.exr", 1001, "shot.1001.exr"),
        ("f%d_x.tif", 12, "f12_x.tif"),
        ("%03d.png", 12345, "12345.png"),
    ],
)
def test_patterns_name_their_files(name: str, number: int, file: str) -> None:
    pattern = written_pattern(Path("out") / name)
    assert pattern is not None
    assert pattern.path(number) == Path("out") / file


def test_other_names_are_no_patterns() -> None:
    assert written_pattern(Path("100%.mp4")) is None
    assert written_pattern(Path("a1001.png")) is None


def _packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]
