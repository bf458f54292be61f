"""Still images: key frames, hints, previews.

PNG, TIFF, JPEG, WebP and BMP by OpenCV, whose arrays are turned to R, G, B, A here;
Radiance too; EXR by its own library, since OpenCV's wheels leave it out.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from vidprop.errors import DecodeError, EncodeError, InputError

from ._whole import written_whole
from .exr import read_exr, write_exr

IMAGE_SUFFIXES = frozenset(
    {".bmp", ".exr", ".hdr", ".jpeg", ".jpg", ".png", ".tga", ".tif", ".tiff", ".webp"}
)
# A frame of 16K film just fits; more is a mistake, or an attack.
LARGEST_PIXELS = 2**27

_DTYPES: dict[str, tuple[type[np.generic], ...]] = {
    ".png": (np.uint8, np.uint16),
    ".tif": (np.uint8, np.uint16, np.float32),
    ".tiff": (np.uint8, np.uint16, np.float32),
    ".jpg": (np.uint8,),
    ".jpeg": (np.uint8,),
    ".bmp": (np.uint8,),
    ".webp": (np.uint8,),
    ".hdr": (np.float32,),
}
_WRITE_FLAGS = {
    ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 95],
    ".jpeg": [cv2.IMWRITE_JPEG_QUALITY, 95],
}


def read_image(path: str | Path) -> NDArray[Any]:
    """Read a picture as it is stored: grey [H, W], R, G, B [H, W, 3] or with alpha [H, W, 4].

    Returns:
        uint8 or uint16; float32, linear, for EXR and Radiance. Palettes are looked up.
        Turns of the camera (EXIF) are not applied, so that frames keep their shape.
    Raises:
        DecodeError: the file is missing, damaged or no picture.
        InputError: it has more than `LARGEST_PIXELS`.
    """
    path = Path(path)
    if not path.is_file():
        raise DecodeError(f"{path}: no such file")
    if path.suffix.lower() == ".exr":
        image = read_exr(path)
        return image.pixels if image.alpha is None else np.dstack([image.rgb, image.alpha])
    _check_size(path)
    return _rgb_order(_decoded(path))


def write_image(path: str | Path, image: NDArray[Any]) -> None:
    """Write a picture of a shape that `read_image` returns; the suffix says in which form.

    PNG takes uint8 and uint16; TIFF float32, too; JPEG, WebP and BMP uint8; Radiance and
    EXR floats. It is under a temporary name until it is whole, and replaces what was there.

    Raises:
        InputError: the suffix, shape or type does not fit.
        EncodeError: the file cannot be written.
    """
    path = Path(path)
    _check_shape(image)
    if path.suffix.lower() == ".exr":
        alpha = image[..., 3] if image.ndim == 3 and image.shape[2] == 4 else None
        write_exr(path, image[..., :3] if image.ndim == 3 else image, alpha=alpha)
        return
    data = encoded_image(path.suffix, image)
    with written_whole(path) as temporary:
        temporary.write_bytes(data)


def encoded_image(suffix: str, image: NDArray[Any]) -> bytes:
    """The bytes of a picture file; see `write_image`."""
    _check_shape(image)
    _check_writable(suffix.lower(), image)
    flags = _WRITE_FLAGS.get(suffix.lower(), [])
    try:
        done, data = cv2.imencode(suffix, _bgr_order(image), flags)
    except cv2.error as error:
        raise EncodeError(f"a {suffix} picture could not be made ({error.err})") from error
    if not done:
        raise EncodeError(f"a {suffix} picture could not be made")
    return data.tobytes()


def _check_size(path: Path) -> None:
    if _pixel_count(path) > LARGEST_PIXELS:
        raise InputError(f"{path}: too large, pictures of at most {LARGEST_PIXELS} pixels are read")


def _pixel_count(path: Path) -> float:
    """From the header alone; 0 if Pillow does not know the format, as OpenCV may."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return float(image.size[0] * image.size[1])
    except Image.DecompressionBombError:
        return float("inf")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return 0


def _decoded(path: Path) -> NDArray[Any]:
    try:
        with _quiet():
            data = np.fromfile(path, np.uint8)
            image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    except (cv2.error, OSError) as error:
        raise DecodeError(f"{path}: not a readable picture", str(error)) from error
    if image is None:
        raise DecodeError(f"{path}: not a readable picture")
    return np.asarray(image)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep OpenCV from writing on the terminal; what is wrong becomes an exception."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def _rgb_order(image: NDArray[Any]) -> NDArray[Any]:
    if image.ndim == 2 or image.shape[2] == 1:
        return image.reshape(image.shape[:2])
    order = [2, 1, 0, 3][: image.shape[2]]
    return np.ascontiguousarray(image[..., order])


_bgr_order = _rgb_order


def _check_shape(image: NDArray[Any]) -> None:
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (3, 4)):
        raise InputError(f"image: [H, W], [H, W, 3] or [H, W, 4] is needed, got {image.shape}")


def _check_writable(suffix: str, image: NDArray[Any]) -> None:
    if suffix not in _DTYPES:
        known = ", ".join(sorted({*_DTYPES, ".exr"}))
        raise InputError(f"suffix: pictures are written as {known}, got {suffix!r}")
    if image.dtype not in _DTYPES[suffix]:
        names = ", ".join(dtype.__name__ for dtype in _DTYPES[suffix])
        raise InputError(f"image: {suffix} takes {names}, got {image.dtype}")
