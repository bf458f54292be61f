"""The key frames of one clip, read and made ready."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vidprop.color.matrices import MatrixName
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

    luma: [h, w], the painted picture's own.
    identity: a digest of the edit.
    """

    file: KeyFile
    edit: KeyEdit
    luma: Array
    partial: bool
    identity: str


@dataclass(frozen=True, slots=True)
class KeyReader:
    """Reads painted pictures for one clip.

    size: height and width of the clip.
    working: the size of its guides.
    """

    size: tuple[int, int]
    working: tuple[int, int]
    matrix: MatrixName

    def painted(self, file: KeyFile) -> PaintedKey:
        """The picture at the clip's size.

        Raises:
            KeyFrameError: it cannot be read, or has another shape than the clip.
        """
        try:
            return painted_key(read_image(file.path), *self.size, self.matrix)
        except KeyFrameError as error:
            raise KeyFrameError(f"{file.path}: {error}") from error

    def key(self, file: KeyFile) -> Key:
        """The picture reduced to what propagation reads."""
        painted = self.painted(file)
        height, width = self.working
        edit = KeyEdit(*working_edit(painted, height // 2, width // 2))
        luma = reduce_plane(painted.luma, height, width)
        identity = digest(edit.edit.tobytes(), edit.coverage.tobytes())
        return Key(file, edit, luma, painted.partial, identity)


def searches(keys: Iterable[Key]) -> dict[KeyFile, Search]:
    """A search for every key frame whose file name has no number."""
    return {key.file: Search(key.luma) for key in keys if key.file.number is None}


def placed(keys: Iterable[Key], found: Mapping[KeyFile, Search]) -> dict[int, Key]:
    """Key frames by number, those that were searched for where they were found.

    Raises:
        KeyFrameError: two of them are of one frame.
    """
    by_number: dict[int, Key] = {}
    for key in keys:
        number = found[key.file].frame if key.file.number is None else key.file.number
        if number in by_number:
            other = by_number[number].file.path
            raise KeyFrameError(f"key frame {number} is given twice: {other}, {key.file.path}")
        by_number[number] = replace(key, file=KeyFile(key.file.path, number))
    return dict(sorted(by_number.items()))


def check_likeness(keys: Mapping[int, Key], clip: Survey) -> None:
    """See that every key frame looks like the frame it is said to be of.

    Raises:
        KeyFrameError: one does not; says which frame is most like it.
    """
    for number, key in keys.items():
        guide = unit_guide(clip.guides[number])
        alike = likeness(_over(key, guide), guide)
        if alike < _LEAST_LIKENESS:
            raise KeyFrameError(
                f"{key.file.path}: does not look like frame {number} (likeness {alike:.2f} of 1); "
                f"most like it is frame {_most_like(key, clip)}"
            )


def _over(key: Key, guide: Array) -> Array:
    """The painted luma where there is paint, the frame's own elsewhere."""
    if not key.partial:
        return key.luma
    height, width = guide.shape
    coverage = np.kron(key.edit.coverage[0], np.ones((2, 2), np.float32))[:height, :width]
    return guide + coverage * (key.luma - guide)


def _most_like(key: Key, clip: Survey) -> int:
    height, width = clip.thumbnails.shape[1:]
    luma = reduce_plane(key.luma, height, width)
    scores = [likeness(luma, unit_guide(thumbnail)) for thumbnail in clip.thumbnails]
    return clip.first + int(np.argmax(scores))


def similarity_to(key: Key, thumbnails: NDArray[np.uint8]) -> NDArray[np.floating]:
    """How like a key frame each thumbnail is, 1 for the same."""
    height, width = thumbnails.shape[1:]
    luma = reduce_plane(key.luma, height, width)
    return np.array([likeness(luma, unit_guide(thumbnail)) for thumbnail in thumbnails])
