"""The windowed match on CUDA, as a function that autograd knows."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from vidprop.errors import InputError
from vidprop.ops.match import _cuda_launch
from vidprop.ops.match._reference import match_reference

__all__ = ["match_cuda"]

_DTYPES = (torch.float32, torch.float16, torch.bfloat16)


@torch.compiler.disable
def match_cuda(
    query: Tensor, key: Tensor, value: Tensor, centre: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor]:
    """`vidprop.ops.match.match`; half precision is computed in float32, from copies."""
    dtype, devices = query.dtype, {t.device for t in (query, key, value, centre, bias)}
    if len(devices) > 1:
        names = ", ".join(sorted(map(str, devices)))
        raise InputError(f"query, key, value, centre and bias must share a device, not {names}")
    if dtype not in _DTYPES:
        raise InputError(f"on CUDA query must be float32, float16 or bfloat16, not {dtype}")
    if 0 in (query.shape[3], value.shape[3]):
        # Of vectors without channels there is nothing to gather.
        return match_reference(query, key, value, centre, bias)
    wide = (query.float(), key.float(), value.float(), centre.int(), bias.float())
    out, score = _Match.apply(*wide)  # type: ignore[no-untyped-call]
    return out.to(dtype), score.to(dtype)


class _Match(Function):
    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, centre: Tensor, bias: Tensor
    ) -> tuple[Tensor, Tensor]:
        dense = [t.contiguous() for t in (query, key, value, centre, bias)]
        out, score = _cuda_launch.forward(*dense)
        ctx.save_for_backward(*dense, out, score)
        return out, score

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_out: Tensor, grad_score: Tensor) -> tuple[Tensor | None, ...]:
        names = ("query", "key", "value", "centre", "bias", "out", "score")
        tensors = dict(zip(names, ctx.saved_tensors, strict=True))
        tensors |= {"grad_out": grad_out.contiguous(), "grad_score": grad_score.contiguous()}
        _, key, value, _, bias = ctx.needs_input_grad
        grads = _cuda_launch.backward(tensors, reference=key or value, bias=bias)
        of_reference = grads.get("grad_key"), grads.get("grad_value")
        return grads["grad_query"], *of_reference, None, grads.get("grad_bias")
