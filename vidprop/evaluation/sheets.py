"""Contact sheets: pictures side by side, to look at what the figures say."""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vidprop.evaluation.chain import ChainRun
from vidprop.evaluation.clips import to_rgb
from vidprop.evaluation.protocol import TRUTH, Run
from vidprop.evaluation.sparse import SparseRun

Picture = NDArray[np.uint8]
_CAPTION_LINES = 18


def clip_sheet(run: Run, rows: int = 4) -> Picture:
    """Truth and each method side by side, at some frames between the key frames, in order."""
    picks = np.linspace(0, len(run.filled) - 1, rows + 1).round().astype(int)[1:]
    frames = [run.filled[pick] for pick in np.unique(picks)]
    columns = {TRUTH: [_captioned(run.clip.rgb(i), f"frame {i}") for i in frames]}
    for method, chroma in run.estimates.items():
        columns[method] = [_bytes(run.clip.rgb(i, chroma[i])) for i in frames]
    return _sheet(columns)


def sparse_sheet(run: SparseRun) -> Picture:
    """Truth, the hints on the grey frame, and each method."""
    columns = {TRUTH: [_bytes(run.clip.rgb(0))], "hints": [_bytes(_hinted(run))]}
    for method, chroma in run.estimates.items():
        columns[method] = [_bytes(run.clip.rgb(0, chroma))]
    return _sheet(columns)


def chain_sheet(run: ChainRun) -> Picture:
    """Truth, and what each beginning led to, a row a frame."""
    columns = {TRUTH: [_captioned(run.clip.rgb(i), f"frame {i}") for i in run.frames]}
    for name, chroma in run.estimates.items():
        columns[name] = [_bytes(run.clip.rgb(i, chroma[i])) for i in run.frames]
    return _sheet(columns)


def _hinted(run: SparseRun) -> NDArray[Any]:
    chroma = np.zeros_like(run.clip.chroma[0])
    for y, x in run.positions:
        spot = np.s_[:, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
        chroma[spot] = run.clip.chroma[0][:, y, x][:, None, None]
    return to_rgb(run.clip.luma[0], chroma)


def _sheet(columns: Mapping[str, Sequence[Picture]]) -> Picture:
    return np.concatenate([_column(name, frames) for name, frames in columns.items()], axis=1)


def _column(name: str, frames: Sequence[Picture]) -> Picture:
    blank = np.zeros((_CAPTION_LINES, frames[0].shape[1], 3), np.uint8)
    return np.concatenate([_captioned(blank, name), *frames])


def _captioned(picture: NDArray[Any], text: str) -> Picture:
    written = np.ascontiguousarray(_bytes(picture))
    cv2.putText(written, text, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1)
    return written


def _bytes(picture: NDArray[Any]) -> Picture:
    if picture.dtype == np.uint8:
        return picture
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
