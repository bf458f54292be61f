"""Launches of the match's kernels: owns grid, block and the allocation of what they write."""

from collections.abc import Mapping
from math import gcd

import numpy as np
import torch
from torch import Tensor

from vidprop.ops import _cupy
from vidprop.ops._cupy import Card, Kernel

__all__ = ["MATCH", "backward", "capacity", "forward"]

# As in kernels/match.cuh and match_backward.cu.
_TILE, _PAIR, _PIXELS = 16, 2, 64
_THREADS = _TILE * _TILE // _PAIR
_SLACK = 4  # rows and columns by which the windows of a block may spread beyond a plain shift
_RESERVED = 1024  # bytes of shared memory that the driver takes for every block

_POINTERS = (
    *("query", "key", "value", "bias", "centre", "out", "score", "grad_out", "grad_score"),
    *("offset", "order", "starts", "grad_query", "grad_key", "grad_value", "grad_bias"),
)
_SIZES = ("images", "height", "width", "rows", "columns", "radius")
MATCH = np.dtype([(name, "u8") for name in _POINTERS] + [(name, "i8") for name in _SIZES])


def forward(
    query: Tensor, key: Tensor, value: Tensor, centre: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor]:
    """Out and score of dense float32 tensors; centre is int32."""
    out = query.new_empty(*query.shape[:3], value.shape[3])
    score = query.new_empty(query.shape[:3])
    given = {"query": query, "key": key, "value": value, "centre": centre, "bias": bias}
    _launch("forward", given | {"out": out, "score": score}, _tiles(query), staged=True)
    return out, score


def backward(
    tensors: Mapping[str, Tensor], *, reference: bool, bias: bool
) -> dict[str, Tensor | None]:
    """Gradients by name: of query always, of key and value, and of bias, if asked for.

    Args:
        tensors: dense, under the names of `forward` and out, score, grad_out and grad_score.
    """
    query, key, value = tensors["query"], tensors["key"], tensors["value"]
    tensors = {**tensors, "offset": query.new_empty(query.shape[:3])}
    grads: dict[str, Tensor | None] = {"grad_query": query.new_empty(query.shape)}
    grad_query = grads["grad_query"]
    assert grad_query is not None
    # First, since it writes the offset.
    _launch("grad_query", {**tensors, "grad_query": grad_query}, _tiles(query), staged=True)
    if reference:
        found = _by_centre(tensors["centre"], key.shape[1], key.shape[2], _radius(tensors["bias"]))
        made = {"grad_key": key.new_empty(key.shape), "grad_value": value.new_empty(value.shape)}
        _launch("grad_key", {**tensors, **found, **made}, _tiles(key))
        grads |= made
    if bias:
        offsets = tensors["bias"].numel()
        parts = query.new_empty(-(-query[..., 0].numel() // _PIXELS), offsets)
        threads = min(256, -(-offsets // 32) * 32)
        _launch("grad_bias", {**tensors, "grad_bias": parts}, len(parts), threads)
        grads["grad_bias"] = parts.sum(0)
    return grads


def capacity(features: int, values: int, radius: int, card: Card) -> int:
    """Places of the reference that a block keeps in shared memory; 0 if too few would fit.

    Three blocks on a multiprocessor, or two, hide each other's waits.
    """
    least = (_TILE + 2 * radius) ** 2
    most = (_TILE + 2 * radius + _SLACK) ** 2
    for blocks in (3, 2):
        room = min(card.shared_per_multiprocessor // blocks - _RESERVED, card.shared_per_block)
        places = min(most + 10, (room - 16) // (4 * (features + values)))
        # 2 past a multiple of 8, so that the planes of a vector lie in different banks.
        places -= (places - 2) % 8
        if places >= least:
            return places
    return 0


def _by_centre(centre: Tensor, rows: int, columns: int, radius: int) -> dict[str, Tensor]:
    """The pixels in order of the centres of their windows, and where those of each begin.

    Centres are numbered image by image over the frame and `radius` around it; pixels that see
    nothing of the frame come last.
    """
    images, high, wide = centre.shape[0], rows + 2 * radius, columns + 2 * radius
    total = images * high * wide
    x, y = (centre.long() + radius).unbind(-1)
    image = torch.arange(images, device=centre.device).view(-1, 1, 1)
    seen = (x >= 0) & (x < wide) & (y >= 0) & (y < high)
    # Half the bits are sorted in half the time.
    dtype = torch.int32 if total < 2**31 else torch.int64
    number = torch.where(seen, (image * high + y) * wide + x, total).flatten().to(dtype)
    number, order = torch.sort(number, stable=True)
    bounds = torch.arange(total + 1, dtype=dtype, device=centre.device)
    return {"order": order, "starts": torch.searchsorted(number, bounds)}


def _launch(
    name: str,
    tensors: Mapping[str, Tensor],
    blocks: int,
    threads: int = _THREADS,
    *,
    staged: bool = False,
) -> None:
    if not blocks:
        return
    query, key, value = tensors["query"], tensors["key"], tensors["value"]
    features, values, radius = query.shape[3], value.shape[3], _radius(tensors["bias"])
    places = capacity(features, values, radius, _cupy.card(query.device)) if staged else 0
    defines = {
        "FEATURES": features,
        "VALUES": values,
        "FEATURE_WIDE": _wide(tensors, features, "query key grad_query grad_key"),
        "VALUE_WIDE": _wide(tensors, values, "value out grad_out grad_value"),
        "CAPACITY": places,
    }
    file = "match_forward.cu" if name == "forward" else "match_backward.cu"
    argument = np.zeros((), MATCH)
    for each, tensor in tensors.items():
        argument[each] = tensor.data_ptr()
    argument["images"], argument["height"], argument["width"] = query.shape[:3]
    argument["rows"], argument["columns"] = key.shape[1:3]
    argument["radius"] = radius
    _cupy.launch(
        Kernel.of(file, f"match_{name}", defines),
        argument,
        query.device,
        blocks=blocks,
        threads=threads,
        shared=4 * places * (features + values) + 16 if places else 0,
    )


def _wide(tensors: Mapping[str, Tensor], channels: int, names: str) -> int:
    """Floats that may be copied at a time."""
    addresses = [tensors[name].data_ptr() for name in names.split() if name in tensors]
    return gcd(16, 4 * channels, *addresses) // 4


def _tiles(tensor: Tensor) -> int:
    images, height, width = tensor.shape[:3]
    return images * -(-height // _TILE) * -(-width // _TILE)


def _radius(bias: Tensor) -> int:
    return round(bias.numel() ** 0.5) // 2
