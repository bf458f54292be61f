"""The windowed match: the compiled version is the definition, and the definition matches."""

import pytest
import torch

from vidprop.errors import InputError
from vidprop.ops.match import match, match_reference


def _problem(
    size: tuple[int, int], key_size: tuple[int, int], radius: int, dtype: torch.dtype, seed: int = 0
) -> list[torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    n, features, values = 2, 5, 3

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=g, dtype=torch.float64).to(dtype).requires_grad_()

    query, key = draw(n, *size, features), draw(n, *key_size, features)
    value, bias = draw(n, *key_size, values), draw((2 * radius + 1) ** 2)
    reach = max(*size, *key_size) + radius + 2
    centre = torch.randint(-radius - 2, reach, (n, *size, 2), generator=g, dtype=torch.int32)
    return [query, key, value, centre, bias]


@pytest.mark.parametrize(
    ("size", "key_size", "radius"),
    [((7, 9), (6, 11), 2), ((1, 1), (1, 1), 0), ((3, 1), (1, 8), 3), ((17, 5), (4, 33), 4)],
)
def test_compiled_equals_reference_in_values_and_gradients(
    size: tuple[int, int], key_size: tuple[int, int], radius: int
) -> None:
    problem = _problem(size, key_size, radius, torch.float64)
    tensors = [t for t in problem if t.requires_grad]
    ours, theirs = match(*problem), match_reference(*problem)
    reached = (theirs[1] > -1e3).double()
    weights = torch.randn_like(theirs[0]), torch.randn_like(theirs[1]) * reached
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
    for a, b in zip(
        torch.autograd.grad(ours, tensors, weights),
        torch.autograd.grad(theirs, tensors, weights),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


def test_float32_is_within_its_rounding() -> None:
    exact = match_reference(*_problem((9, 13), (9, 13), 3, torch.float64))
    problem = _problem((9, 13), (9, 13), 3, torch.float32)
    for ours, plain, true in zip(match(*problem), match_reference(*problem), exact, strict=True):
        scale = true.abs().max()
        budget = 4 * (plain - true).abs().max() + 4 * torch.finfo(torch.float32).eps * scale
        assert (ours - true).abs().max() <= budget


def test_finds_a_shifted_pattern() -> None:
    g = torch.Generator().manual_seed(1)
    key = torch.nn.functional.normalize(torch.randn(1, 20, 20, 16, generator=g), dim=-1)
    value = torch.randn(1, 20, 20, 2, generator=g)
    query = torch.roll(key, (2, -1), (1, 2)) * 50
    rows, columns = torch.meshgrid(torch.arange(20), torch.arange(20), indexing="ij")
    centre = torch.stack([columns, rows], -1).int()[None]
    out, _ = match(query, key, value, centre, torch.zeros(49))
    found = (out - torch.roll(value, (2, -1), (1, 2)))[:, 4:-4, 4:-4].abs()
    assert found.max() < 1e-2


def test_window_outside_the_reference_gives_zero() -> None:
    query, key, value, centre, bias = _problem((4, 4), (5, 5), 1, torch.float32)
    out, score = match(query, key, value, torch.full_like(centre, 90), bias)
    assert (out == 0).all()
    assert (score == -1e4).all()


@pytest.mark.parametrize(
    ("argument", "shape", "text"),
    [
        (1, (2, 5, 5, 4), r"query and key must be"),
        (2, (2, 5, 4, 3), r"value must be"),
        (4, (8,), r"bias must have"),
    ],
)
def test_misfits_are_named(argument: int, shape: tuple[int, ...], text: str) -> None:
    problem = _problem((4, 4), (5, 5), 1, torch.float32)
    problem[argument] = torch.zeros(shape)
    with pytest.raises(InputError, match=text):
        match(*problem)
