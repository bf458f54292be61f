"""HDR10 and HLG video: what a player is told, read back by PyAV and ffmpeg."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from video_clips import info_of, noise_frames, times_of

from vidprop.color.matrices import BT2020
from vidprop.errors import InputError
from vidprop.video import ContentLight, LightMeter, Mastering, create_video, open_video
from vidprop.video.hdr import HDR10_FORMAT, HLG_FORMAT, hdr10_encoding, hlg_encoding

SIZE = (64, 48)
LIGHT = ContentLight(987, 123)
DISPLAY = Mastering(BT2020, max_nits=4000, min_nits=0.005)


@pytest.fixture(scope="module")
def hdr10(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A film as HDR10 in three containers."""
    folder = tmp_path_factory.mktemp("hdr10")
    paths = {suffix: folder / f"a{suffix}" for suffix in (".mp4", ".mov", ".mkv")}
    for path in paths.values():
        encoding = hdr10_encoding(LIGHT, DISPLAY, preset="ultrafast")
        with create_video(path, like=info_of(HDR10_FORMAT, SIZE), encoding=encoding) as writer:
            for frame in noise_frames(HDR10_FORMAT, size=SIZE):
                writer.write(frame)
    return paths


def test_hdr10_is_tagged(hdr10: dict[str, Path]) -> None:
    for path in hdr10.values():
        with open_video(path) as reader:
            info = reader.info
        assert info.codec == "hevc"
        assert (info.format.bit_depth, info.format.subsampling) == (10, (1, 1))
        tags = (info.format.matrix, info.format.primaries, info.format.transfer)
        assert tags == ("bt2020nc", "bt2020", "smpte2084")
        assert not info.format.full_range


def test_hdr10_carries_its_metadata(hdr10: dict[str, Path]) -> None:
    for path in hdr10.values():
        side = _side_data(path)
        assert struct.unpack("<2I", side["CONTENT_LIGHT_LEVEL"][:8]) == (987, 123)
        numbers = struct.unpack("<20i", side["MASTERING_DISPLAY_METADATA"][:80])
        values = [Fraction(*numbers[k : k + 2]) for k in range(0, 20, 2)]
        xy = [*BT2020.red, *BT2020.green, *BT2020.blue, *BT2020.white]
        np.testing.assert_allclose([float(v) for v in values[:8]], xy, atol=1 / 50000)
        assert [float(v) for v in values[8:]] == [0.005, 4000]


def test_hdr10_says_so_in_the_boxes_of_mp4(hdr10: dict[str, Path]) -> None:
    for suffix in (".mp4", ".mov"):
        data = hdr10[suffix].read_bytes()
        assert b"hvc1" in data
        assert b"colr" in data
    assert struct.pack(">2H", 987, 123) in _box(hdr10[".mp4"], b"clli")


def test_hlg_is_tagged(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    encoding = hlg_encoding(preset="ultrafast")
    with create_video(path, like=info_of(HLG_FORMAT, SIZE), encoding=encoding) as writer:
        for frame in noise_frames(HLG_FORMAT, size=SIZE):
            writer.write(frame)
    with open_video(path) as reader:
        found = reader.info.format
    assert (found.matrix, found.primaries, found.transfer) == ("bt2020nc", "bt2020", "arib-std-b67")
    assert b"hvc1" in path.read_bytes()
    assert len(times_of(path)) == 3


@pytest.mark.parametrize(("name", "codec"), [("a.mov", "prores"), ("a.mkv", "ffv1")])
@pytest.mark.parametrize("stored", [HDR10_FORMAT, HLG_FORMAT], ids=["pq", "hlg"])
def test_work_files_are_tagged_right(name: str, codec: str, stored: object, tmp_path: Path) -> None:
    frames = noise_frames(stored)  # type: ignore[arg-type]
    with create_video(tmp_path / name, like=info_of(stored), codec=codec) as writer:  # type: ignore[arg-type]
        for frame in frames:
            writer.write(frame)
    with open_video(tmp_path / name) as reader:
        found = reader.info.format
    assert found.transfer == stored.transfer  # type: ignore[attr-defined]
    assert (found.matrix, found.primaries) == ("bt2020nc", "bt2020")


def test_the_meter_takes_the_brightest_pixel_and_the_brightest_frame() -> None:
    meter = LightMeter()
    dark, spot = np.full((4, 5, 3), 3.0), np.zeros((4, 5, 3))
    spot[1, 2] = (10, 900.4, 20)
    meter.add(dark)
    meter.add(spot)
    assert meter.light == ContentLight(max_cll=901, max_fall=46)


def test_mastering_in_words() -> None:
    assert Mastering().text == (
        "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
    )
    with pytest.raises(InputError, match="0 <= min_nits < max_nits <= 10000"):
        Mastering(max_nits=0)


def _side_data(path: Path) -> dict[str, bytes]:
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        return {entry.type.name: bytes(entry) for entry in frame.side_data}


def _box(path: Path, name: bytes) -> bytes:
    data = path.read_bytes()
    place = data.find(name)
    assert place > 0
    return data[place : place + 12]
