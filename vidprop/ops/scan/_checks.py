"""What a caller may pass; past this point the backends trust it."""

from functools import reduce

import torch
from torch import Tensor

from vidprop.errors import InputError

from ._direction import Direction

_DTYPES = {
    "cpu": (torch.float32, torch.float64, torch.float16, torch.bfloat16),
    "cuda": (torch.float32, torch.float16, torch.bfloat16),
}


def check_scan(
    x: Tensor, affinity: Tensor, direction: Direction, injection: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The tensors of `scan`, promoted to one dtype.

    Raises:
        InputError: a shape, dtype or device does not fit.
    """
    if not isinstance(direction, Direction):
        raise InputError(f"direction must be a Direction, got {direction!r}")
    given = {"x": x, "affinity": affinity, **_present(injection=injection)}
    _kinds(given)
    N, C, H, W = _sizes("x", x, "[N, C, H, W]", 4)
    _, G, _, _, _ = _sizes("affinity", affinity, "[N, G, K, H, W]", 5)
    _fit("affinity", affinity, (N, (C, 1), (3, 1), H, W), x)
    if injection is not None:
        _fit("injection", injection, (N, (G, 1), H, W), x)
    dtype = _common(given)
    return _plain(x, dtype), _plain(affinity, dtype), _to(injection, dtype)


def check_propagate(
    x: Tensor, affinities: Tensor, injection: Tensor | None, mix: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    """The tensors of `propagate`, promoted to one dtype.

    Raises:
        InputError: a shape, dtype or device does not fit.
    """
    given = {"x": x, "affinities": affinities, **_present(injection=injection, mix=mix)}
    _kinds(given)
    N, C, H, W = _sizes("x", x, "[N, C, H, W]", 4)
    _, _, G, _, _, _ = _sizes("affinities", affinities, "[N, 4, G, K, H, W]", 6)
    _fit("affinities", affinities, (N, 4, (C, 1), (3, 1), H, W), x)
    if injection is not None:
        _fit("injection", injection, (N, (4, 1), (G, 1), H, W), x)
    if mix is not None:
        _fit("mix", mix, (N, 4, H, W), x)
    dtype = _common(given)
    return (
        _plain(x, dtype),
        _plain(affinities, dtype),
        _to(injection, dtype),
        _to(mix, dtype),
    )


def check_normalised(edit: Tensor, affinities: Tensor, injection: Tensor) -> None:
    """What `propagate_with_confidence` asks for beyond `propagate`.

    Raises:
        InputError: a shape, dtype or device does not fit.
    """
    _kinds({"edit": edit, "affinities": affinities, "injection": injection})
    N, _, H, W = _sizes("edit", edit, "[N, C, H, W]", 4)
    _fit("affinities", affinities, (N, 4, 1, (3, 1), H, W), edit)
    _fit("injection", injection, (N, (4, 1), 1, H, W), edit)


def _present(**tensors: Tensor | None) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in tensors.items() if tensor is not None}


def _kinds(given: dict[str, Tensor]) -> None:
    """Every argument is a tensor, on the first one's device, of a dtype it supports."""
    (first, lead), *_ = given.items()
    for name, tensor in given.items():
        if not isinstance(tensor, Tensor):
            raise InputError(f"{name} must be a Tensor, got {type(tensor).__name__}")
        if tensor.layout != torch.strided:
            raise InputError(f"{name} must be dense, got {tensor.layout}")
        if tensor.device != lead.device:
            raise InputError(
                f"{name} must be on the device of {first}, {lead.device}, got {tensor.device}"
            )
        _dtype_fits(name, tensor)


def _dtype_fits(name: str, tensor: Tensor) -> None:
    known = _DTYPES.get(tensor.device.type)
    if known is None:
        raise InputError(f"{name} must be on the CPU or a CUDA device, got {tensor.device}")
    if tensor.dtype not in known:
        names = ", ".join(_short(dtype) for dtype in known)
        raise InputError(f"{name} must be one of {names}, got {_short(tensor.dtype)}")


def _sizes(name: str, tensor: Tensor, layout: str, count: int) -> tuple[int, ...]:
    if tensor.ndim != count:
        raise InputError(f"{name} must be {layout}, got {list(tensor.shape)}")
    return tuple(tensor.shape)


def _fit(name: str, tensor: Tensor, wanted: tuple[int | tuple[int, int], ...], x: Tensor) -> None:
    """`wanted` holds a size, or the sizes allowed, for every dimension."""
    allowed = [sizes if isinstance(sizes, tuple) else (sizes,) for sizes in wanted]
    fits = tensor.ndim == len(allowed) and all(
        size in sizes for size, sizes in zip(tensor.shape, allowed, strict=True)
    )
    if not fits:
        layout = ", ".join(" or ".join(map(str, dict.fromkeys(sizes))) for sizes in allowed)
        raise InputError(
            f"{name} must be [{layout}] for planes of shape {list(x.shape)}, "
            f"got {list(tensor.shape)}"
        )


def _common(given: dict[str, Tensor]) -> torch.dtype:
    return reduce(torch.promote_types, (tensor.dtype for tensor in given.values()))


def _to(tensor: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    return None if tensor is None else _plain(tensor, dtype)


def _plain(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """In `dtype`, and not a view that PyTorch negates as it reads: backends read memory."""
    return tensor.to(dtype).resolve_neg()


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
