"""What became of a clip."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .contract import Array
from .gallery import Gallery, Picture
from .plan import Borrowed


@dataclass(frozen=True)
class Outcome:
    """What was done, for the report and for the caller.

    frames: the numbers of the frames written.
    keys: the key frames' file names by number, or "hints".
    found: where files without a number were found.
    unused: key frames outside the excerpt.
    confidence: [N], 0..1, of each frame written.
    shots: the frames of each shot.
    borrowed: the shots that took a key frame from elsewhere.
    grey: the shots that have no key frame.
    gallery: small pictures of some frames.
    notes: what could not be copied from the input as it was.
    work: the folder with finished stretches, and its bytes; None if it was removed.
    before_after: some frames as they were and as they became, in one picture.
    """

    output: Path
    frames: range
    keys: Mapping[int, str]
    found: Mapping[Path, int]
    unused: tuple[int, ...]
    confidence: Array
    shots: tuple[range, ...]
    borrowed: tuple[Borrowed, ...]
    grey: tuple[range, ...]
    gallery: Gallery
    notes: tuple[str, ...]
    work: tuple[Path, int] | None
    before_after: Picture | None = None
