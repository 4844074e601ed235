"""Fractional max pooling: exactly the loops, torch's samples from equal seeds, its derivatives, what it refuses."""

from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import grad

from manualconv import functional
from tests.layers import spread_out

NUMBERS = st.integers(1, 4)


@st.composite
def sizes(draw: st.DrawFn, ndim: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Input, kernel and output size: one position to spare in three dimensions, as torch wants it."""
    kernel, output, more = (tuple(draw(NUMBERS) for _ in range(ndim)) for _ in range(3))
    spare = int(ndim == 3)
    return tuple(k + p - 1 + m - 1 + spare for k, p, m in zip(kernel, output, more)), kernel, output


@given(
    case=st.sampled_from((2, 3)).flatmap(sizes),
    seed=st.integers(0, 999),
    dtype=st.sampled_from((torch.float64, torch.float32, torch.float16, torch.bfloat16)),
)
def test_from_equal_seeds_values_places_and_gradients_equal_torch(case: Any, seed: int, dtype: torch.dtype) -> None:
    size, kernel, output = case
    results = []
    for library in (functional, F):
        torch.manual_seed(seed)
        x = torch.randint(0, 9, (2, 3, *size)).to(dtype)
        x.view(-1)[seed % x.numel()] = torch.nan
        leaf = x.clone().requires_grad_()
        layer = getattr(library, f"fractional_max_pool{len(size)}d")
        y, index = layer(leaf, kernel, output, return_indices=True)
        (x_bar,) = grad(y, leaf, torch.randint(-3, 4, y.shape).to(dtype))
        results.append((y.nan_to_num(99), index, x_bar))
    assert all(map(torch.equal, *results))


def test_samples_outside_their_range_never_lead_outside_the_input() -> None:
    x = spread_out((1, 2, 7, 6))
    for wild in (-1e9, 1e9, torch.inf, torch.nan):
        samples = torch.full((1, 2, 2), wild, dtype=torch.float64)
        _, index = functional.fractional_max_pool2d(x, 2, 3, return_indices=True, _random_samples=samples)
        assert index.min() >= 0 and index.max() < 42


def test_no_samples_and_no_windows() -> None:
    for library in (functional, F):
        assert library.fractional_max_pool2d(torch.ones(0, 3, 7, 6), 2, 3).shape == (0, 3, 3, 3)
        assert library.fractional_max_pool2d(torch.ones(2, 3, 7, 6), 2, (0, 3)).shape == (2, 3, 0, 3)
