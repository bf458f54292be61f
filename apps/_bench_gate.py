"""Every implementation at hand equals the definition, or nothing is timed.

max|ours - exact| <= 4 * max|reference in single precision - exact| + 4 * eps * max|exact|,
where exact is the reference in float64 and eps that of our dtype.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from vidprop.errors import VidpropError
from vidprop.ops.scan import Direction, propagate, scan
from vidprop.ops.scan._reference import propagate_reference, scan_reference

from ._bench_loop import scan_loop, scan_loop_training
from ._bench_rows import Size

_SIZES: tuple[Size, ...] = ((1, 2, 1, 1), (1, 3, 5, 7), (2, 4, 18, 35), (1, 2, 70, 131))
_DTYPES = {
    "cpu": (torch.float32, torch.float64),
    "cuda": (torch.float32, torch.float16, torch.bfloat16),
}
Function = Callable[..., Tensor]


class WrongResultError(VidpropError):
    """An implementation is not what the definition says."""


@dataclass(frozen=True)
class Check:
    """What is compared, on which inputs; `slopes`: gradients too."""

    name: str
    ours: Function
    reference: Function
    tensors: list[Tensor]
    slopes: bool = True


def run(device: str) -> str:
    """A line that says what was compared.

    Raises:
        WrongResultError: it differs.
    """
    count = 0
    for size, shared, dtype in product(_SIZES, (False, True), _DTYPES[device]):
        for check in [*_scans(size, shared, dtype), *_propagations(size, shared, dtype)]:
            _compare(check, device, f"{list(size)} {'G=1' if shared else 'G=C'} {dtype}")
            count += 1
    return f"{device}: {count} problems, values and gradients equal the definition"


def _scans(size: Size, shared: bool, dtype: torch.dtype) -> Iterator[Check]:
    x, p, share, _ = _draw(size, shared, dtype)
    for way in Direction:

        def ours(x: Tensor, p: Tensor, s: Tensor | None = None, way: Direction = way) -> Tensor:
            return scan(x, p, way, s, limit=s is not None)

        def plain(x: Tensor, p: Tensor, s: Tensor | None = None, way: Direction = way) -> Tensor:
            return scan_reference(x, p, way, s, s is not None)

        def loop(x: Tensor, p: Tensor, way: Direction = way) -> Tensor:
            return scan_loop(x, p, way)

        def training(x: Tensor, p: Tensor, way: Direction = way) -> Tensor:
            return scan_loop_training(x, p, way)

        one = [x, p[:, way.value]]
        yield Check(f"scan {way.name}", ours, plain, one)
        yield Check(f"limited scan {way.name}", ours, plain, [*one, share[:, way.value]])
        yield Check(f"PyTorch loop {way.name}", loop, plain, one, slopes=False)
        yield Check(f"PyTorch loop for training {way.name}", training, plain, one)


def _propagations(size: Size, shared: bool, dtype: torch.dtype) -> Iterator[Check]:
    x, p, share, mix = _draw(size, shared, dtype)
    # Rounded to half precision, two directions can be equal where the exact ones are not: then
    # the gradient of the larger may go to either.
    exact = dtype in (torch.float32, torch.float64)
    yield Check("propagate, largest", propagate, propagate_reference, [x, p], exact)
    yield Check(
        "propagate, mix",
        lambda x, p, share, mix: propagate(x, p, share, mix=mix),
        propagate_reference,
        [x, p, share, mix],
    )


def _draw(size: Size, shared: bool, dtype: torch.dtype) -> list[Tensor]:
    g = torch.Generator().manual_seed(7)
    n, c, *frame = size
    groups = 1 if shared else c
    x = torch.randn(size, generator=g)
    p = (2 * torch.rand(n, 4, groups, 3, *frame, generator=g) - 1) / 3
    share, mix = (
        torch.rand(n, 4, groups, *frame, generator=g),
        torch.rand(n, 4, *frame, generator=g),
    )
    return [t.to(dtype) for t in (x, p, share, mix)]


def _compare(check: Check, device: str, where: str) -> None:
    dtype = check.tensors[0].dtype
    single = torch.promote_types(dtype, torch.float32)
    ours = _outcome(check.ours, [t.to(device) for t in check.tensors], check.slopes)
    near = _outcome(check.reference, [t.to(single) for t in check.tensors], check.slopes)
    exact = _outcome(check.reference, [t.double() for t in check.tensors], check.slopes)
    eps = torch.finfo(dtype).eps
    for i, (value, close, true) in enumerate(zip(ours, near, exact, strict=True)):
        error = _largest(value.cpu().double() - true)
        allowed = 4 * _largest(close.double() - true) + 4 * eps * _largest(true)
        if not error <= allowed:
            what = f"gradient {i - 1}" if i else "value"
            raise WrongResultError(
                f"{check.name} {where} on {device}: {what} is off by {error:.3g}, "
                f"{allowed:.3g} allowed"
            )


def _outcome(function: Function, tensors: list[Tensor], slopes: bool) -> list[Tensor]:
    """The value, and the gradient of every tensor."""
    if not slopes:
        with torch.no_grad():
            return [function(*tensors)]
    leaves = [t.detach().requires_grad_() for t in tensors]
    value = function(*leaves)
    weights = torch.linspace(-1, 2, value.numel(), dtype=torch.float64).view(value.shape)
    gradients = torch.autograd.grad(
        value, leaves, weights.to(value.device, value.dtype), materialize_grads=True
    )
    return [value.detach(), *gradients]


def _largest(tensor: Tensor) -> float:
    return float(tensor.abs().max())
