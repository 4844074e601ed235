"""max_unpool1d, 2d and 3d: duplicates; positions outside."""

from contextlib import nullcontext
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import grad

from manualconv import definitions, functional
from manualconv.testing.cases import Pooling, poolings
from manualconv.testing.referee import first_gradients
from tests.layers import spread_out
from tests.test_determinism import threads

BY_HAND = {1: functional.max_unpool1d, 2: functional.max_unpool2d, 3: functional.max_unpool3d}
REFEREE = {1: F.max_unpool1d, 2: F.max_unpool2d, 3: F.max_unpool3d}
CASES = st.sampled_from((2, 1, 3)).flatmap(lambda ndim: poolings(ndim, dilated=False))
DIMENSIONS = pytest.mark.parametrize("ndim", [1, 2, 3])


def unpooling(case: Pooling) -> tuple[torch.Tensor, torch.Tensor, dict[str, Any]]:
    """What max pooling of the case's input, whose windows may overlap, gives an unpooling to do."""
    x = case.input()
    y, index = definitions.max_pool(x.numpy(), case.window)
    fitting = tuple(
        s * (p - 1) + k - 2 * a
        for s, p, k, (a, _) in zip(case.window.stride, y.shape[2:], case.window.kernel_size, case.window.padding)
    )
    fits = all(f - s < i < f + s for f, s, i in zip(fitting, case.window.stride, x.shape[2:]))
    arguments = case.sizes if fits else {"kernel_size": tuple(i - p + 1 for i, p in zip(x.shape[2:], y.shape[2:]))}
    if not fits:
        arguments = {**arguments, "stride": 1}
    index = torch.from_numpy(index)
    return case.cotangent(y.shape[2:], seed=2), index, {**arguments, "output_size": tuple(x.shape[2:])}


@given(case=CASES)
def test_values_and_two_gradients_equal_torch_also_where_a_position_is_named_twice(case: Pooling) -> None:
    results = []
    for layer in (BY_HAND[case.window.ndim], REFEREE[case.window.ndim]):
        y, index, arguments = unpooling(case)
        y.requires_grad_()
        # torch shares a plane out among its threads, and which of two that write to one position is the last is chance.
        with threads(1) if layer in REFEREE.values() else nullcontext():
            x = layer(case.unbatch(y), case.unbatch(index), **arguments)
        cotangent = case.unbatch(case.input()).clone().requires_grad_()
        first = first_gradients(x, [y], cotangent)
        # Of no samples torch's first gradient is an empty constant.
        second = grad((first[0] ** 2).sum(), cotangent)[0] if first[0].requires_grad else torch.zeros_like(cotangent)
        results.append((x, *first, second))
    assert all(map(torch.equal, *results))


def test_of_two_that_write_to_one_position_the_last_wins_on_any_number_of_threads() -> None:
    generator = torch.Generator().manual_seed(0)
    y, index = spread_out((2, 3, 3, 4)), torch.randint(0, 4, (2, 3, 3, 4), generator=generator)
    with threads(1):
        expected = F.max_unpool2d(y, index, 2, output_size=(6, 8))
    with threads(4):
        for _ in range(100):
            assert torch.equal(functional.max_unpool2d(y, index, 2, output_size=(6, 8)), expected)


def test_a_position_outside_is_refused_where_it_cannot_be_looked_at_first() -> None:
    y, index = spread_out((3, 2, 2, 2)), torch.full((3, 2, 2, 2), 99)
    with pytest.raises(RuntimeError, match="out of bounds"):
        torch.vmap(lambda y, index: functional.max_unpool2d(y, index, 2))(y, index)


def test_it_is_undone_by_max_pooling_where_windows_do_not_overlap() -> None:
    y, index = functional.max_pool2d(spread_out((2, 3, 6, 9)).abs(), (2, 3), return_indices=True)
    x = functional.max_unpool2d(y, index, (2, 3))
    assert all(map(torch.equal, functional.max_pool2d(x, (2, 3), return_indices=True), (y, index)))
