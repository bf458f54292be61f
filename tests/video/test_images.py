"""Stills in and out, and what is no picture."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from vidprop.errors import DecodeError, EncodeError, InputError
from vidprop.video import read_image, write_image
from vidprop.video.images import LARGEST_PIXELS

EXACT = [
    (".png", np.uint8, (9, 7)),
    (".png", np.uint8, (9, 7, 3)),
    (".png", np.uint8, (9, 7, 4)),
    (".png", np.uint16, (9, 7)),
    (".png", np.uint16, (9, 7, 3)),
    (".png", np.uint16, (9, 7, 4)),
    (".tif", np.uint8, (9, 7, 3)),
    (".tiff", np.uint16, (9, 7, 4)),
    (".tif", np.float32, (9, 7, 3)),
    (".bmp", np.uint8, (9, 7, 3)),
    (".exr", np.float32, (9, 7)),
    (".exr", np.float32, (9, 7, 3)),
    (".exr", np.float32, (9, 7, 4)),
]


def picture(dtype: type, shape: tuple[int, ...]) -> np.ndarray:
    """Random samples; those of floats are halves."""
    rng = np.random.default_rng(3)
    if np.issubdtype(dtype, np.floating):
        return rng.random(shape).astype(np.float16).astype(dtype)
    return rng.integers(0, np.iinfo(dtype).max + 1, shape, dtype)


@pytest.mark.parametrize(("suffix", "dtype", "shape"), EXACT)
def test_samples_come_back(
    suffix: str, dtype: type, shape: tuple[int, ...], tmp_path: Path
) -> None:
    image = picture(dtype, shape)
    write_image(tmp_path / f"a{suffix}", image)
    again = read_image(tmp_path / f"a{suffix}")
    assert again.dtype == dtype
    np.testing.assert_array_equal(again, image)


def test_channels_are_red_green_blue(tmp_path: Path) -> None:
    from PIL import Image

    image = np.zeros((2, 2, 3), np.uint8)
    image[..., 0] = 200
    write_image(tmp_path / "a.png", image)
    assert Image.open(tmp_path / "a.png").getpixel((0, 0)) == (200, 0, 0)


@pytest.mark.parametrize(("suffix", "tolerance"), [(".jpg", 12), (".webp", 12)])
def test_lossy_pictures_look_alike(suffix: str, tolerance: int, tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    image = np.dstack([np.tile(ramp, (64, 1))] * 3)
    write_image(tmp_path / f"a{suffix}", image)
    assert np.abs(read_image(tmp_path / f"a{suffix}").astype(int) - image).max() <= tolerance


def test_radiance(tmp_path: Path) -> None:
    light = np.exp(picture(np.float32, (8, 9, 3)) * 6)
    write_image(tmp_path / "a.hdr", light)
    # Three mantissas of 8 bits share the exponent of the largest channel.
    step = light.max(axis=2, keepdims=True) / 128
    assert (np.abs(read_image(tmp_path / "a.hdr") - light) <= step).all()


def test_palettes_are_looked_up(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (4, 3), (250, 10, 20)).quantize(4).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png")[0, 0], [250, 10, 20])


def test_a_gigapixel_picture_is_refused_by_its_header(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_header(40000, 30000))
    with pytest.raises(InputError, match=f"too large, pictures of at most {LARGEST_PIXELS}"):
        read_image(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(png_header(14000, 10000))
    with pytest.raises(InputError, match="too large"):
        read_image(tmp_path / "b.png")


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is that large and holds next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b"")]
    packed = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".exr", ".hdr"])
def test_what_is_no_picture(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    with pytest.raises(DecodeError, match="no such file"):
        read_image(path)
    for content in (b"", b"no picture at all" * 30):
        path.write_bytes(content)
        with pytest.raises(DecodeError, match="not a readable"):
            read_image(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".exr"])
def test_half_a_picture(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    write_image(path, picture(np.float32 if suffix == ".exr" else np.uint8, (200, 150, 3)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DecodeError, match="not a readable"):
        read_image(path)


@pytest.mark.parametrize(
    ("name", "image", "words"),
    [
        ("a.gif", np.zeros((2, 2), np.uint8), "pictures are written as .bmp, .exr"),
        ("a.jpg", np.zeros((2, 2), np.uint16), ".jpg takes uint8, got uint16"),
        ("a.png", np.zeros((2, 2, 3), np.float32), ".png takes uint8, uint16, got float32"),
        ("a.png", np.zeros((2, 2, 5), np.uint8), "is needed, got"),
        ("a.exr", np.zeros((2, 2, 5), np.float32), "is needed, got"),
    ],
)
def test_pictures_that_cannot_be_written(
    name: str, image: np.ndarray, words: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=words):
        write_image(tmp_path / name, image)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".png", ".exr"])
def test_places_that_cannot_be_written(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(EncodeError, match="cannot be written"):
        write_image(tmp_path / "no" / f"a{suffix}", picture(np.float32, (2, 2, 3)).astype(
            np.float32 if suffix == ".exr" else np.uint8))  # fmt: skip
