"""The key frames of one clip, read and made ready."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidprop.color.matrices import MatrixName
from vidprop.color.transfer import srgb_encode
from vidprop.edits.colour import PaintedKey, likeness, painted_key, working_edit
from vidprop.edits.guide import unit_guide
from vidprop.edits.keyfiles import KeyFile
from vidprop.edits.upsampling import reduce_plane
from vidprop.errors import KeyFrameError
from vidprop.video import read_image

from .contract import Array, KeyEdit
from .plan import digest
from .survey import Search, Survey

# Different frames of one shot correlate by more than 0.6, different shots hardly ever.
_LEAST_LIKENESS = 0.5


@dataclass(frozen=True, slots=True)
class Key:
    """One key frame at the size networks work at.

    picture: the painted file; None if the edit was made from hints.
    number: None until the picture is found in the clip.
    luma: [h, w], the painted picture's own.
    identity: a digest of the edit.
    """

    picture: Path | None
    number: int | None
    edit: KeyEdit
    luma: Array | None
    partial: bool
    identity: str

    def __str__(self) -> str:
        return "hints" if self.picture is None else self.picture.name


@dataclass(frozen=True, slots=True)
class KeyReader:
    """Reads painted pictures for one clip.

    size: height and width of the clip.
    working: the size of its guides.
    """

    size: tuple[int, int]
    working: tuple[int, int]
    matrix: MatrixName

    def painted(self, path: Path) -> PaintedKey:
        """The picture at the clip's size.

        Raises:
            DecodeError: it cannot be read.
            KeyFrameError: it has another shape than the clip, or is far too large.
        """
        try:
            return painted_key(_displayed(read_image(path), path), *self.size, self.matrix)
        except KeyFrameError as error:
            raise KeyFrameError(f"{path}: {error}") from error

    def key(self, file: KeyFile) -> Key:
        """The picture reduced to what propagation reads."""
        painted = self.painted(file.path)
        height, width = self.working
        edit = KeyEdit(*working_edit(painted, height // 2, width // 2))
        luma = reduce_plane(painted.luma, height, width)
        return Key(file.path, file.number, edit, luma, painted.partial, _identity(edit))


def _displayed(image: NDArray[Any], path: Path) -> NDArray[Any]:
    """Linear pictures as they are shown."""
    if path.suffix.lower() not in (".exr", ".hdr"):
        return image
    colours = image if image.ndim == 2 else image[..., :3]
    shown = srgb_encode(np.clip(colours, 0, 1).astype(np.float32))
    return shown if image.ndim == 2 else np.concatenate([shown, image[..., 3:]], axis=2)


def hinted_key(edit: Array, number: int) -> Key:
    """A key frame whose edit [2, h, w] was made from hints."""
    full = KeyEdit.full(edit)
    return Key(None, number, full, None, False, _identity(full))


def searches(keys: Iterable[Key]) -> dict[Path, Search]:
    """A search for every key frame whose file name has no number."""
    return {
        key.picture: Search(key.luma)
        for key in keys
        if key.number is None and key.picture is not None and key.luma is not None
    }


def placed(keys: Iterable[Key], found: Mapping[Path, Search]) -> dict[int, Key]:
    """Key frames by number, those that were searched for where they were found.

    Raises:
        KeyFrameError: two of them are of one frame.
    """
    by_number: dict[int, Key] = {}
    for key in keys:
        assert key.picture is not None
        number = found[key.picture].frame if key.number is None else key.number
        if number in by_number:
            other = by_number[number].picture
            raise KeyFrameError(f"key frame {number} is given twice: {other}, {key.picture}")
        by_number[number] = replace(key, number=number)
    return dict(sorted(by_number.items()))


def check_likeness(keys: Mapping[int, Key], clip: Survey) -> None:
    """See that every key frame looks like the frame it is said to be of.

    Raises:
        KeyFrameError: one does not; says which frame is most like it.
    """
    for number, key in keys.items():
        guide = unit_guide(clip.guides[number])
        if key.luma is None:
            continue
        alike = likeness(_over(key, guide), guide)
        if alike < _LEAST_LIKENESS:
            best = clip.first + int(similarity(key, clip.thumbnails).argmax())
            raise KeyFrameError(
                f"{key.picture}: does not look like frame {number} (likeness {alike:.2f} of 1); "
                f"most like it is frame {best}"
            )


def similarity(key: Key, thumbnails: NDArray[np.uint8]) -> NDArray[np.floating]:
    """How like a painted picture each thumbnail [N, h, w] is, 1 for the same."""
    assert key.luma is not None
    luma = reduce_plane(key.luma, *thumbnails.shape[1:])
    return np.array([likeness(luma, unit_guide(thumbnail)) for thumbnail in thumbnails])


def _over(key: Key, guide: Array) -> Array:
    """The painted luma where there is paint, the frame's own elsewhere."""
    assert key.luma is not None
    if not key.partial:
        return key.luma
    coverage = np.kron(key.edit.coverage[0], np.ones((2, 2), np.float32))
    return guide + coverage * (key.luma - guide)


def _identity(edit: KeyEdit) -> str:
    return digest(edit.edit.tobytes(), edit.coverage.tobytes())
