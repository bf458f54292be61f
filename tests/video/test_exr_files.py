"""OpenEXR: values, channels, windows and primaries, checked with OpenEXR's own reader."""

from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from vidprop.color.matrices import AP1, BT709, BT2020, Primaries
from vidprop.errors import DecodeError, InputError
from vidprop.video import read_exr, write_exr


def light(*shape: int) -> np.ndarray:
    """Halves over many stops."""
    values = 2.0 ** np.random.default_rng(1).uniform(-10, 10, shape)
    return values.astype(np.float16).astype(np.float32)


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("compression", ["zip", "zips", "piz", "none"])
def test_values_come_back(half: bool, compression: str, tmp_path: Path) -> None:
    pixels, alpha = light(17, 13, 3), light(17, 13)
    write_exr(tmp_path / "a.exr", pixels, alpha=alpha, half=half, compression=compression)  # type: ignore[arg-type]
    image = read_exr(tmp_path / "a.exr")
    np.testing.assert_array_equal(image.pixels, pixels)
    np.testing.assert_array_equal(image.alpha, alpha)
    assert image.pixels.dtype == np.float32


def test_dwaa_is_close(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0.1, 4, 64, dtype=np.float32), (64, 1))
    write_exr(tmp_path / "a.exr", np.dstack([ramp] * 3), compression="dwaa")
    np.testing.assert_allclose(read_exr(tmp_path / "a.exr").pixels[..., 1], ramp, rtol=0.02)
    with OpenEXR.File(str(tmp_path / "a.exr")) as file:
        assert file.header()["compression"] == OpenEXR.DWAA_COMPRESSION


@pytest.mark.parametrize("primaries", [BT709, BT2020, AP1])
def test_primaries_come_back(primaries: Primaries, tmp_path: Path) -> None:
    write_exr(tmp_path / "a.exr", light(4, 4, 3), chromaticities=primaries)
    assert read_exr(tmp_path / "a.exr").chromaticities == primaries
    with OpenEXR.File(str(tmp_path / "a.exr")) as file:
        stored = file.header()["chromaticities"]
    flat = (*primaries.red, *primaries.green, *primaries.blue, *primaries.white)
    np.testing.assert_allclose(stored, flat, rtol=1e-6)


def test_primaries_may_be_missing(tmp_path: Path) -> None:
    write_exr(tmp_path / "a.exr", light(4, 4, 3), chromaticities=None)
    assert read_exr(tmp_path / "a.exr").chromaticities is None


def test_channels_are_stored_by_name(tmp_path: Path) -> None:
    pixels = light(5, 6, 3)
    write_exr(tmp_path / "a.exr", pixels)
    with OpenEXR.File(str(tmp_path / "a.exr"), separate_channels=True) as file:
        channels = {name: channel.pixels.copy() for name, channel in file.channels().items()}
    assert sorted(channels) == ["B", "G", "R"]
    for index, name in enumerate("RGB"):
        assert channels[name].dtype == np.float16
        np.testing.assert_array_equal(channels[name], pixels[..., index])


def test_grey_is_luminance(tmp_path: Path) -> None:
    write_exr(tmp_path / "a.exr", light(5, 6))
    image = read_exr(tmp_path / "a.exr")
    assert image.pixels.shape == (5, 6)
    assert image.rgb.shape == (5, 6, 3)


def test_layers_are_found_by_their_channels(tmp_path: Path) -> None:
    pixels = light(4, 5, 3)
    named = {f"beauty.{name}": pixels[..., k].copy() for k, name in enumerate("RGB")}
    _write_plain(tmp_path / "a.exr", {**named, "depth.Z": light(4, 5)})
    np.testing.assert_array_equal(read_exr(tmp_path / "a.exr").pixels, pixels)


def test_other_channels_are_no_picture(tmp_path: Path) -> None:
    _write_plain(tmp_path / "a.exr", {"Z": light(4, 5), "id": light(4, 5)})
    with pytest.raises(DecodeError, match="no channels R, G and B, or Y, but Z, id"):
        read_exr(tmp_path / "a.exr")


@pytest.mark.parametrize(("corner", "inside"), [((2, 1), True), ((-2, -1), False)])
def test_a_data_window_is_set_into_the_display_window(
    corner: tuple[int, int], inside: bool, tmp_path: Path
) -> None:
    pixels = light(4, 5)
    x, y = corner
    header = {
        "dataWindow": ((x, y), (x + 4, y + 3)),
        "displayWindow": ((0, 0), (8, 6)),
    }
    _write_plain(tmp_path / "a.exr", {"Y": pixels}, header)
    picture = read_exr(tmp_path / "a.exr").pixels
    assert picture.shape == (7, 9)
    if inside:
        np.testing.assert_array_equal(picture[1:5, 2:7], pixels)
        assert picture.sum() == pytest.approx(pixels.sum())
    else:
        np.testing.assert_array_equal(picture[:3, :3], pixels[1:, 2:])
        assert (picture[3:] == 0).all()


def test_what_half_cannot_hold_is_clipped_and_nan_stays(tmp_path: Path) -> None:
    pixels = np.array([[1e6, -1e6, np.inf, np.nan, 65504]], np.float32)
    write_exr(tmp_path / "a.exr", pixels)
    expected = [[65504, -65504, 65504, np.nan, 65504]]
    np.testing.assert_array_equal(read_exr(tmp_path / "a.exr").pixels, expected)
    write_exr(tmp_path / "b.exr", pixels, half=False)
    np.testing.assert_array_equal(read_exr(tmp_path / "b.exr").pixels, pixels)


def test_wrong_shapes_and_names(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\[H, W\] or \[H, W, 3\] is needed"):
        write_exr(tmp_path / "a.exr", light(4, 4, 4))
    with pytest.raises(InputError, match="compression: one of zip"):
        write_exr(tmp_path / "a.exr", light(4, 4), compression="rar")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def _write_plain(path: Path, channels: dict[str, np.ndarray], more: dict | None = None) -> None:
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **(more or {})}
    OpenEXR.File(header, channels).write(str(path))
