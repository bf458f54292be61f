"""Contact sheets of HDR methods: tone-mapped pictures side by side."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.edits.hdr import tone_mapped
from vidprop.evaluation.hdr_protocol import HdrRun
from vidprop.evaluation.protocol import TRUTH

Picture = NDArray[np.uint8]
_DARKER = 3.0  # stops, for the second picture of each frame: it shows what is above white


def hdr_sheet(run: HdrRun, rows: int = 3, width: int = 320) -> Picture:
    """What the camera saw, the truth and each method.

    Below each frame: where the camera clipped, and the same frame darkened.
    """
    picks = np.linspace(0, len(run.filled) - 1, rows + 2).round().astype(int)[1:-1]
    frames = [run.filled[pick] for pick in np.unique(picks)]
    columns = [_column("LDR", [part for i in frames for part in _ldr(run, i)], width)]
    for method in (TRUTH, *run.estimates):
        pictures = [part for i in frames for part in _shown(run, method, i)]
        columns.append(_column(method, pictures, width))
    return np.concatenate(columns, axis=1)


def _ldr(run: HdrRun, frame: int) -> list[Picture]:
    clipped = np.where(run.shot.clipped[frame], np.uint8(255), np.uint8(0))
    return [run.shot.ldr[frame], np.repeat(clipped[..., None], 3, axis=-1)]


def _shown(run: HdrRun, method: str, frame: int) -> list[Picture]:
    stops = run.frames(method)[frame] - np.float32(run.shot.white)
    return [tone_mapped(stops), tone_mapped(stops - _DARKER)]


def _column(name: str, pictures: list[Picture], width: int) -> Picture:
    small = [_resized(picture, width) for picture in pictures]
    cv2.putText(small[0], name, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 0), 1)
    return np.concatenate(small)


def _resized(picture: NDArray[Any], width: int) -> Picture:
    height = round(picture.shape[0] * width / picture.shape[1])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
