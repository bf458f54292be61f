"""OpenEXR images: channels by name, half or float, with the primaries they are in.

Source: Academy Software Foundation, OpenEXR Technical Introduction and Standard
Attributes (chromaticities; without them an image is Rec. ITU-R BT.709).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from vidprop.color.matrices import BT709, Primaries
from vidprop.errors import DecodeError, EncodeError, InputError

from ._whole import written_whole

Compression = Literal["zip", "zips", "piz", "dwaa", "dwab", "none"]
Float = NDArray[np.float32]

LARGEST_HALF = 65504.0

_COMPRESSIONS: dict[str, Any] = {
    "zip": OpenEXR.ZIP_COMPRESSION,
    "zips": OpenEXR.ZIPS_COMPRESSION,
    "piz": OpenEXR.PIZ_COMPRESSION,
    "dwaa": OpenEXR.DWAA_COMPRESSION,
    "dwab": OpenEXR.DWAB_COMPRESSION,
    "none": OpenEXR.NO_COMPRESSION,
}


@dataclass(frozen=True, slots=True, eq=False)
class ExrImage:
    """Linear light, any scale, as the file has it: not clipped, NaN and infinity kept.

    pixels: [H, W, 3] R, G, B, or [H, W] of an image with luminance only; float32.
    alpha: [H, W] or None.
    chromaticities: of R, G, B and white; None if the file has none.
    """

    pixels: Float
    alpha: Float | None = None
    chromaticities: Primaries | None = None

    @property
    def rgb(self) -> Float:
        """[H, W, 3], a grey image in each of the channels."""
        return self.pixels if self.pixels.ndim == 3 else np.repeat(self.pixels[..., None], 3, 2)


def read_exr(path: str | Path) -> ExrImage:
    """Read R, G and B, or Y, and A if there is one; of several layers the first with RGB.

    What the data window leaves out of the display window is black.

    Raises:
        DecodeError: the file is missing, damaged, or has no such channels.
    """
    path = Path(path)
    if not path.is_file():
        raise DecodeError(f"{path}: no such file")
    try:
        with OpenEXR.File(str(path), separate_channels=True) as file:
            header, channels = dict(file.header()), _pixels(file)
    except (RuntimeError, ValueError, TypeError) as error:
        raise DecodeError(f"{path}: not a readable EXR image ({error})") from error
    pixels, alpha = _chosen(channels, path)
    window = _Window.of(header)
    return ExrImage(
        window.framed(pixels),
        None if alpha is None else window.framed(alpha),
        _primaries(header.get("chromaticities")),
    )


def write_exr(
    path: str | Path,
    pixels: NDArray[Any],
    *,
    alpha: NDArray[Any] | None = None,
    chromaticities: Primaries | None = BT709,
    compression: Compression = "zip",
    half: bool = True,
) -> None:
    """Write [H, W, 3] as R, G, B or [H, W] as Y, under a temporary name until it is whole.

    As half floats, values beyond +-65504 are clipped to it; infinity too.

    Raises:
        InputError: the shape or the compression does not fit.
        EncodeError: the file cannot be written.
    """
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3):
        raise InputError(f"pixels: [H, W] or [H, W, 3] is needed, got {pixels.shape}")
    if compression not in _COMPRESSIONS:
        raise InputError(f"compression: one of {', '.join(_COMPRESSIONS)}, got {compression!r}")
    names = ["Y"] if pixels.ndim == 2 else ["R", "G", "B"]
    planes = [pixels] if pixels.ndim == 2 else [pixels[..., k] for k in range(3)]
    if alpha is not None:
        names, planes = [*names, "A"], [*planes, alpha]
    channels = {name: _stored(plane, half) for name, plane in zip(names, planes, strict=True)}
    header = {"compression": _COMPRESSIONS[compression], "type": OpenEXR.scanlineimage}
    if chromaticities is not None:
        header["chromaticities"] = _eight_numbers(chromaticities)
    _write(Path(path), header, channels)


def _write(path: Path, header: dict[str, Any], channels: dict[str, NDArray[Any]]) -> None:
    try:
        with written_whole(path) as temporary:
            OpenEXR.File(header, channels).write(str(temporary))
    except (RuntimeError, ValueError) as error:
        raise EncodeError(f"{path}: cannot be written ({error})") from error


def _stored(plane: NDArray[Any], half: bool) -> NDArray[Any]:
    if not half:
        return np.ascontiguousarray(plane, np.float32)
    return np.ascontiguousarray(np.clip(plane, -LARGEST_HALF, LARGEST_HALF), np.float16)


def _pixels(file: Any) -> dict[str, Float]:
    return {name: np.asarray(c.pixels, np.float32) for name, c in file.channels().items()}


def _chosen(channels: dict[str, Float], path: Path) -> tuple[Float, Float | None]:
    layers = ["", *sorted({name.rpartition(".")[0] + "." for name in channels if "." in name})]
    for layer in layers:
        if all(layer + name in channels for name in "RGB"):
            pixels = np.stack([channels[layer + name] for name in "RGB"], axis=2)
            return pixels, channels.get(layer + "A")
    if "Y" in channels and not {"RY", "BY"} & channels.keys():
        return channels["Y"], channels.get("A")
    raise DecodeError(f"{path}: no channels R, G and B, or Y, but {', '.join(sorted(channels))}")


@dataclass(frozen=True, slots=True)
class _Window:
    """Where the stored pixels lie in the picture: corners with x and y, both inclusive."""

    top: int
    left: int
    height: int
    width: int

    @classmethod
    def of(cls, header: dict[str, Any]) -> "_Window":
        data, shown = header["dataWindow"], header["displayWindow"]
        size = shown[1] - shown[0] + 1
        offset = data[0] - shown[0]
        return cls(int(offset[1]), int(offset[0]), int(size[1]), int(size[0]))

    def framed(self, pixels: Float) -> Float:
        """The display window's pixels."""
        if (self.top, self.left) == (0, 0) and pixels.shape[:2] == (self.height, self.width):
            return pixels
        picture = np.zeros((self.height, self.width, *pixels.shape[2:]), np.float32)
        rows, columns = pixels.shape[:2]
        top, left = max(self.top, 0), max(self.left, 0)
        bottom = min(self.top + rows, self.height)
        right = min(self.left + columns, self.width)
        if top < bottom and left < right:
            part = pixels[top - self.top : bottom - self.top, left - self.left : right - self.left]
            picture[top:bottom, left:right] = part
        return picture


def _primaries(numbers: tuple[float, ...] | None) -> Primaries | None:
    if numbers is None:
        return None
    x = [float(f"{number:.7g}") for number in numbers]
    return Primaries((x[0], x[1]), (x[2], x[3]), (x[4], x[5]), (x[6], x[7]))


def _eight_numbers(primaries: Primaries) -> tuple[float, ...]:
    return (*primaries.red, *primaries.green, *primaries.blue, *primaries.white)
