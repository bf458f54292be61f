"""Sparse hints made dense by the spatial network."""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vidprop.color.quantisation import quantise_chroma, quantise_luma
from vidprop.edits.colour import PaintedKey, painted_key, working_edit
from vidprop.edits.guide import unit_guide, working_guide, working_size
from vidprop.edits.hintfiles import HintFiles, point_hints, stroke_hints
from vidprop.edits.hints import HintMaps, point_maps, superpixel_positions
from vidprop.errors import EncodeError, InputError
from vidprop.networks.spatial import SpatialNetwork
from vidprop.video import Frame, PlaneFormat, read_image, write_image
from vidprop.video.conversion import to_rgb
from vidprop.weights import load_weights

from .contract import Array
from .join import Joiner
from .span import computes_in_bfloat16, device_named

SHIPPED = "sparse"

_LAYOUT = PlaneFormat(subsampling=(0, 0), full_range=True, matrix="bt709")


@dataclass(frozen=True, slots=True, kw_only=True)
class DensifyJob:
    """One grey picture, hints for it, and where the result goes.

    auto_hints: instead of hints, so many points of a picture that is in colour.
    size: lines at which colour is worked out.
    weights: a file; None for those shipped.
    """

    picture: Path
    output: Path
    hints: HintFiles = field(default_factory=HintFiles)
    auto_hints: int | None = None
    size: int = 256
    weights: Path | None = None
    device: str = "auto"
    overwrite: bool = False


class Densifier:
    """Fills a frame with colour from a few hints.

    Args:
        network: None for the one whose weights are shipped.
        device: "auto", "cpu", "cuda" or "cuda:N".
        half: bfloat16 in the convolutions; by default where the device computes in it.
    Raises:
        WeightsError, BackendError: the network cannot be had there.
    """

    def __init__(
        self, network: SpatialNetwork | None = None, device: str = "auto", half: bool | None = None
    ) -> None:
        self._device = device_named(device)
        network = network or load_weights(SpatialNetwork, SHIPPED)
        network = network.eval().to(device=self._device)
        self._network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._half = computes_in_bfloat16(self._device) if half is None else half

    @classmethod
    def from_file(cls, weights: Path | None, device: str) -> "Densifier":
        """With the weights of a file; None for those shipped."""
        return cls(load_weights(SpatialNetwork, weights or SHIPPED), device)

    def __call__(self, luma: Array, hints: HintMaps) -> Array:
        """The edit [2, h, w] of a frame with luma [2h, 2w], float32 in 0..1."""
        planes = (luma[None], hints.edit, hints.mask)
        tensors = (torch.from_numpy(plane)[None].to(self._device) for plane in planes)
        half = torch.autocast(self._device.type, torch.bfloat16, enabled=self._half)
        with torch.inference_mode(), half:
            edit = self._network(*tensors)
        dense: Array = edit[0].float().cpu().numpy()
        return dense


def densify(job: DensifyJob) -> int:
    """Colour a picture from a few hints; how many there were.

    Of hint tables every line counts, whatever its frame.

    Raises:
        InputError: there is no hint, or one lies outside.
        EncodeError: the output is there already or cannot be written.
    """
    if job.output.exists() and not job.overwrite:
        raise EncodeError(f"{job.output} is there already; --overwrite replaces it")
    image = read_image(job.picture)
    height, width = image.shape[:2]
    key = painted_key(image, height, width)
    working = working_size(height, width, job.size)
    guide = working_guide(key.luma, 8, True, working)
    hints = _hints(job, key, guide)
    edit = Densifier.from_file(job.weights, job.device)(unit_guide(guide), hints)
    chroma = Joiner(_LAYOUT).chroma(key.luma, edit)
    write_image(job.output, _picture(key.luma, chroma, image.dtype))
    return int((hints.mask > 0).sum())


def sampled_hints(guide: NDArray[np.uint8], edit: Array, count: int) -> HintMaps:
    """About `count` hints taken from a full edit [2, h, w], one in each superpixel of the guide."""
    positions = superpixel_positions(unit_guide(guide), count, np.random.default_rng(0))
    values = edit[:, positions[:, 0] // 2, positions[:, 1] // 2].T
    return point_maps(positions, values, *guide.shape)


def _hints(job: DensifyJob, key: PaintedKey, guide: NDArray[np.uint8]) -> HintMaps:
    working = guide.shape[0], guide.shape[1]
    if job.auto_hints:
        return sampled_hints(
            guide, working_edit(key, working[0] // 2, working[1] // 2)[0], job.auto_hints
        )
    size = key.luma.shape[0], key.luma.shape[1]
    if job.hints.points:
        return point_hints(job.hints.points, size, working, "bt709")
    if len(job.hints.pictures) != 1:
        raise InputError("hints: a table, or one picture with strokes, is needed")
    strokes = painted_key(read_image(job.hints.pictures[0].path), *size)
    return stroke_hints(strokes, working)


def _picture(luma: Array, chroma: Array, dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
    """R'G'B' of 8 bits or, where the grey picture has more, 16."""
    depth = 8 if dtype == np.uint8 else 16
    codes = quantise_luma(luma, depth, True), quantise_chroma(chroma, depth, True)
    layout = replace(_LAYOUT, bit_depth=depth)
    return to_rgb(Frame(0, Fraction(0), *codes), layout, depth)
