"""Sparse edits: samples are carried, pixels without one dilute nothing."""

import pytest
import torch
from budget import assert_within_budget
from torch import Tensor

from vidprop.errors import InputError
from vidprop.ops.scan import propagate_normalised, propagate_with_confidence
from vidprop.ops.scan._reference import propagate_reference

N, C, H, W = 1, 2, 9, 14


def _problem() -> tuple[Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(3)
    edit = torch.randn(N, C, H, W, generator=g)
    affinities = torch.rand(N, 4, 1, 3, H, W, generator=g)
    injection = (torch.rand(N, 1, 1, H, W, generator=g) > 0.8).float()
    return edit, affinities, injection


def test_a_lone_sample_reaches_what_it_can_undiluted() -> None:
    injection = torch.zeros(N, 1, 1, H, W)
    injection[..., 4, 6] = 0.01
    edit = torch.full((N, C, H, W), torch.pi) * (injection[:, 0] > 0)
    affinities = torch.full((N, 4, 1, 3, H, W), 0.2)
    found, confidence = propagate_with_confidence(edit, affinities, injection)
    reached = confidence > 0
    assert reached[..., 4, :].all()
    assert reached[..., :, 6].all()
    torch.testing.assert_close(
        found[reached.expand_as(found)], edit.max().expand(2 * reached.sum())
    )
    assert (confidence <= 0.01).all()


def test_where_nothing_reaches_the_result_is_0() -> None:
    edit, affinities, injection = _problem()
    found, confidence = propagate_with_confidence(edit, affinities, injection * 0)
    assert (found == 0).all()
    assert (confidence == 0).all()


def test_equals_the_quotient_of_two_references() -> None:
    edit, affinities, injection = _problem()
    injection = injection + 0.1
    mix = torch.rand(N, 4, H, W)

    def plain(edit: Tensor, affinities: Tensor, injection: Tensor, mix: Tensor) -> Tensor:
        ones = torch.ones_like(edit[:, :1])
        above = propagate_reference(edit, affinities, injection, mix, True)
        return above / propagate_reference(ones, affinities, injection, mix, True)

    def ours(edit: Tensor, affinities: Tensor, injection: Tensor, mix: Tensor) -> Tensor:
        return propagate_normalised(edit, affinities, injection, mix=mix, limit=True)

    tensors = [edit, affinities, injection, mix]
    assert_within_budget(ours, plain, tensors, torch.randn_like(edit))


@pytest.mark.parametrize("scale", [1e-6, 1.0])
def test_gradients_stay_finite_however_far_the_samples(scale: float) -> None:
    wide = _problem()[0].repeat(1, 1, 1, 20).requires_grad_()
    sparse = torch.zeros(N, 1, 1, H, 20 * W)
    sparse[..., 0] = scale
    sparse.requires_grad_()
    affinities = torch.full((N, 4, 1, 3, H, 20 * W), 0.2, requires_grad=True)
    found = propagate_normalised(wide, affinities, sparse)
    for grad in torch.autograd.grad(found.sum(), (wide, affinities, sparse)):
        assert grad.isfinite().all()


def test_affinities_for_each_channel_are_refused() -> None:
    edit, affinities, injection = _problem()
    text = r"affinities must be \[1, 4, 1, 3 or 1, 9, 14\]"
    with pytest.raises(InputError, match=text):
        propagate_normalised(edit, affinities.expand(N, 4, C, 3, H, W), injection)
