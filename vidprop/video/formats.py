"""What a video is made of: how its samples are stored, when its frames are shown, and a frame."""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidprop.color.matrices import MatrixName
from vidprop.errors import InputError

from ._tags import UNKNOWN

Plane = NDArray[Any]

SUBSAMPLINGS = {
    (0, 0): "444",
    (1, 0): "422",
    (1, 1): "420",
    (0, 1): "440",
    (2, 0): "411",
    (2, 2): "410",
}

# Which of the three matrices reads and writes planes of a tag; fcc and smpte240m differ
# from their neighbours by less than a code at 8 bits in greys and a few in saturated colours.
_MATRIX_NAMES: dict[str, MatrixName] = {
    "bt709": "bt709",
    "smpte240m": "bt709",
    "smpte170m": "bt601",
    "bt470bg": "bt601",
    "fcc": "bt601",
    "bt2020nc": "bt2020",
}


@dataclass(frozen=True, slots=True)
class PlaneFormat:
    """How the samples of a frame are stored.

    bit_depth: of every plane, 8 to 16; uint8 at 8 bits, else uint16, in the low bits.
    subsampling: log2 of how much smaller chroma is, (horizontal, vertical): (1, 1) is 4:2:0.
    grey: no chroma planes.
    full_range: 0 is black and 2**bit_depth - 1 is white; else 16 and 235 at 8 bits.
    matrix, primaries, transfer, chroma_location: ffmpeg's names, "unknown" if not tagged.
    rgb: the file stores R, G and B. Its planes are YCbCr 4:4:4 nevertheless: full range,
        by `matrix`, at the file's depth. Where R = G = B, luma is that sample.
    alpha: frames carry opacity.

    Raises:
        InputError: the depth or the subsampling does not exist.
    """

    bit_depth: int = 8
    subsampling: tuple[int, int] = (1, 1)
    grey: bool = False
    full_range: bool = False
    matrix: str = UNKNOWN
    primaries: str = UNKNOWN
    transfer: str = UNKNOWN
    chroma_location: str = UNKNOWN
    rgb: bool = False
    alpha: bool = False

    def __post_init__(self) -> None:
        if not 8 <= self.bit_depth <= 16:
            raise InputError(f"bit_depth: 8 to 16 bits are supported, got {self.bit_depth}")
        if self.grey or self.rgb:
            object.__setattr__(self, "subsampling", (0, 0))
            object.__setattr__(self, "full_range", self.full_range or self.rgb)
        if self.subsampling not in SUBSAMPLINGS:
            raise InputError(f"subsampling: one of {list(SUBSAMPLINGS)}, got {self.subsampling}")

    @property
    def dtype(self) -> type[np.uint8] | type[np.uint16]:
        """The samples' type."""
        return np.uint8 if self.bit_depth == 8 else np.uint16

    @property
    def peak(self) -> int:
        """The largest code."""
        return 2**self.bit_depth - 1

    @property
    def neutral(self) -> int:
        """The code of chroma without colour."""
        return int(2 ** (self.bit_depth - 1))

    def chroma_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of a chroma plane beside luma of `height` x `width`."""
        across, down = self.subsampling
        return -(-height >> down), -(-width >> across)

    def matrix_name(self, height: int = 1080) -> MatrixName:
        """The matrix of the planes; untagged video is BT.601 up to 576 lines, else BT.709.

        Raises:
            InputError: the planes are not Y, Cb and Cr of one of the three matrices.
        """
        if self.matrix == UNKNOWN:
            return "bt709" if height > 576 or self.rgb else "bt601"
        if self.matrix not in _MATRIX_NAMES:
            raise InputError(f"matrix: planes by {self.matrix} are not supported")
        return _MATRIX_NAMES[self.matrix]

    def in_colour(self, subsampling: tuple[int, int] = (1, 1)) -> "PlaneFormat":
        """This format, with chroma of `subsampling` if it is grey."""
        return replace(self, grey=False, subsampling=subsampling) if self.grey else self

    def __str__(self) -> str:
        kind = "grey" if self.grey else "RGB" if self.rgb else "4:" + ":".join(self._ratio())
        return f"{kind} {self.bit_depth} bit, {'full' if self.full_range else 'limited'} range"

    def _ratio(self) -> str:
        return SUBSAMPLINGS[self.subsampling][1:]


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a clip is; for a part of a clip, what that part is.

    width, height: of the luma plane as it is stored, before rotation.
    frame_rate: frames a second; the mean if `variable_rate`.
    time_base: the unit of the file's timestamps, in seconds.
    frame_count: of the part; an estimate unless `frame_count_exact`, None if unknown.
    start_time: what the file's clock shows where the part begins, in seconds.
    end_time: where it ends; None for the end of the file.
    duration: of the part's frames, in seconds, if known.
    first_frame: the part's first frame, counted from 0 in the whole clip.
    first_number: the number of frame 0 in the names of an image sequence, else None.
    rotation: degrees counter-clockwise by which a player turns the picture.
    sample_aspect: width of a pixel over its height.
    """

    width: int
    height: int
    format: PlaneFormat = field(default_factory=PlaneFormat)
    frame_rate: Fraction = Fraction(25)
    time_base: Fraction = Fraction(1, 90000)
    variable_rate: bool = False
    frame_count: int | None = None
    frame_count_exact: bool = False
    start_time: Fraction = Fraction(0)
    end_time: Fraction | None = None
    duration: Fraction | None = None
    first_frame: int = 0
    first_number: int | None = None
    rotation: int = 0
    sample_aspect: Fraction = Fraction(1)
    interlaced: bool = False
    codec: str = ""
    container: str = ""
    timecode: str | None = None
    has_audio: bool = False
    path: Path | None = None

    @property
    def partial(self) -> bool:
        """Whether this is less than the whole clip."""
        return self.first_frame > 0 or self.end_time is not None

    @property
    def matrix_name(self) -> MatrixName:
        """The matrix of the planes; see `PlaneFormat.matrix_name`."""
        return self.format.matrix_name(self.height)


@dataclass(slots=True, eq=False)
class Frame:
    """One picture.

    index: counted from 0 in the whole clip.
    time: when it is shown by the file's clock, in seconds.
    luma: [H, W], uint8 or uint16.
    chroma: [2, h, w], Cb and Cr; None if grey.
    alpha: [H, W] or None.
    """

    index: int
    time: Fraction
    luma: Plane
    chroma: Plane | None = None
    alpha: Plane | None = None
