"""The definition itself, on cases small enough to work out by hand."""

import pytest
import torch

from vidprop.ops.scan import Direction
from vidprop.ops.scan._reference import limited, propagate_reference, scan_reference


def test_a_row_is_a_recursive_filter() -> None:
    x = torch.tensor([[[[8.0, 4.0, 2.0]]]])
    p = torch.tensor([0.9, 0.5, 0.25]).view(1, 1, 1, 1, 3)
    h = scan_reference(x, p, Direction.LEFT_TO_RIGHT)
    # The first pixel has no neighbour: its affinity counts 0 and h is x.
    assert h.flatten().tolist() == [8, 0.5 * 4 + 0.5 * 8, 0.75 * 2 + 0.25 * 6]
    h = scan_reference(x, p, Direction.RIGHT_TO_LEFT)
    second = 0.5 * 4 + 0.5 * 2
    assert h.flatten().tolist() == pytest.approx([0.1 * 8 + 0.9 * second, second, 2])


def test_neighbours_are_taken_from_the_lanes_beside() -> None:
    x = torch.zeros(1, 1, 3, 2)
    x[0, 0, :, 0] = torch.tensor([1.0, 10.0, 100.0])
    p = torch.tensor([0.5, 0.25, 0.125]).view(1, 1, 3, 1, 1).expand(1, 1, 3, 3, 2)
    h = scan_reference(x, p, Direction.LEFT_TO_RIGHT)[0, 0, :, 1]
    assert h.tolist() == [
        0.25 * 1 + 0.125 * 10,
        0.5 * 1 + 0.25 * 10 + 0.125 * 100,
        0.5 * 10 + 0.25 * 100,
    ]


def test_neighbours_outside_leave_their_share_to_x() -> None:
    p = torch.full((1, 1, 3, 4, 5), 1 / 3)
    x = torch.ones(1, 1, 4, 5)
    for way in Direction:
        torch.testing.assert_close(scan_reference(x, p, way), x)


def test_a_given_injection_replaces_that_share() -> None:
    x, p = torch.full((1, 1, 1, 2), 3.0), torch.full((1, 1, 1, 1, 2), 0.5)
    h = scan_reference(x, p, Direction.LEFT_TO_RIGHT, torch.tensor([[[[0.5, 2.0]]]]))
    assert h.flatten().tolist() == [1.5, 2 * 3 + 0.5 * 1.5]


def test_one_way_is_three_way_without_its_sides() -> None:
    x, p = torch.randn(2, 3, 4, 5), torch.rand(2, 3, 1, 4, 5)
    sides = torch.cat([torch.zeros_like(p), p, torch.zeros_like(p)], 2)
    for way in Direction:
        torch.testing.assert_close(scan_reference(x, p, way), scan_reference(x, sides, way))


def test_limit_divides_only_past_one() -> None:
    p = torch.tensor([[0.5, -2.0], [0.25, 1.0], [-0.25, 1.0]]).view(1, 1, 3, 1, 2)
    expected = torch.tensor([[0.5, -0.5], [0.25, 0.25], [-0.25, 0.25]]).view(1, 1, 3, 1, 2)
    assert torch.equal(limited(p), expected)


def test_limit_leaves_out_neighbours_outside() -> None:
    x = torch.tensor([[[[1.0, 0.0]]]])
    p = torch.tensor([9.0, 1.0, 9.0]).view(1, 1, 3, 1, 1).expand(1, 1, 3, 1, 2)
    h = scan_reference(x, p, Direction.LEFT_TO_RIGHT, limit=True)
    assert h.flatten().tolist() == [1, 1]


def test_integration_is_the_largest_or_the_weighted_sum() -> None:
    x, p = torch.randn(1, 2, 3, 4), torch.rand(1, 4, 2, 3, 3, 4) / 3
    each = torch.stack([scan_reference(x, p[:, way.value], way) for way in Direction])
    assert torch.equal(propagate_reference(x, p), each.amax(0))
    mix = torch.rand(1, 4, 3, 4)
    expected = sum(each[i] * mix[:, i : i + 1] for i in range(4))
    torch.testing.assert_close(propagate_reference(x, p, mix=mix), expected)
