"""Tensors that are not plain memory: refused in words, or read for what they mean."""

import pytest
import torch

from vidprop.errors import InputError
from vidprop.ops.scan import Direction, propagate, scan

X = torch.arange(35.0).view(1, 1, 5, 7)
P = torch.full((1, 1, 3, 5, 7), 0.25)


@pytest.mark.parametrize("turn", [torch.Tensor.to_sparse, torch.Tensor.to_mkldnn])
def test_layouts_without_strides_are_refused(turn):
    with pytest.raises(InputError, match=r"x must be dense, got torch._?(sparse|mkldnn)"):
        scan(turn(X), P, Direction.LEFT_TO_RIGHT)


@pytest.mark.parametrize("way", Direction)
def test_a_view_that_is_negated_when_read(way):
    negated = torch._neg_view(X)
    assert torch.equal(scan(negated, P, way), -scan(X, P, way))
    assert torch.equal(scan(X, torch._neg_view(-P), way), scan(X, P, way))


def test_what_must_be_given_is_named():
    with pytest.raises(InputError, match="affinity must be a Tensor, got NoneType"):
        scan(X, None, Direction.LEFT_TO_RIGHT)
    with pytest.raises(InputError, match="affinities must be a Tensor, got NoneType"):
        propagate(X, None)
