"""max_pool2d: exactly the loops, exactly torch, at both orders."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from torch.autograd import grad

from manualconv import functional
from tests import definitions
from tests.referee import first_gradients
from tests.strategies import Pooling, poolings


def max_arguments(case: Pooling) -> dict[str, object]:
    """The keyword arguments of max pooling."""
    return {**case.sizes, "dilation": case.window.dilation, "ceil_mode": case.ceil_mode}


@given(case=poolings(dilated=True))
def test_max_values_places_and_gradient_equal_the_loops(case: Pooling) -> None:
    x = case.input().requires_grad_()
    values, places = definitions.max_pool(x.detach().numpy(), case.window, case.ceil_mode)
    y, index = functional.max_pool2d(case.unbatch(x), **max_arguments(case), return_indices=True)
    assert torch.equal(y, case.unbatch(torch.from_numpy(values)))
    assert torch.equal(index, case.unbatch(torch.from_numpy(places)))
    cotangent = case.cotangent(values.shape[2:])
    expected = definitions.max_pool_gradient(cotangent.numpy(), places, case.window)
    assert torch.equal(grad(y, x, case.unbatch(cotangent))[0], torch.from_numpy(expected))


@given(case=poolings(dilated=True))
def test_max_values_first_and_second_gradients_equal_torch(case: Pooling) -> None:
    results = []
    for layer in (functional.max_pool2d, F.max_pool2d):
        x = case.input().requires_grad_()
        y, index = layer(case.unbatch(x), **max_arguments(case), return_indices=True)
        cotangent = case.cotangent(y.shape[-2:]).clone().requires_grad_()
        first = first_gradients(y, [x], case.unbatch(cotangent))
        second = grad((first[0] ** 2).sum(), cotangent)
        results.append((y, index, *first, *second))
    assert all(map(torch.equal, *results))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.uint8])
def test_maxima_of_every_real_dtype_are_torch_s(dtype: torch.dtype) -> None:
    x = torch.randint(0, 9, (2, 3, 7, 8), generator=torch.Generator().manual_seed(0)).to(dtype)
    arguments = ((3, 2), (2, 1), 1, (1, 2), True, True)
    ours, theirs = functional.max_pool2d(x, *arguments), F.max_pool2d(x, *arguments)
    assert ours[0].dtype == dtype
    assert all(map(torch.equal, ours, theirs))


def test_a_nan_or_a_window_of_minus_infinities_is_reported_as_torch_does() -> None:
    x = torch.arange(60.0).reshape(1, 2, 5, 6)
    x[0, 0, 1, 2] = x[0, 0, 2, 1] = torch.nan
    x[0, 1] = -torch.inf
    for padding in (0, 1):
        ours = functional.max_pool2d(x, (3, 2), 1, padding, return_indices=True)
        theirs = F.max_pool2d(x, (3, 2), 1, padding, return_indices=True)
        assert torch.allclose(ours[0], theirs[0], rtol=0, atol=0, equal_nan=True)
        assert torch.equal(ours[1], theirs[1])


def test_padding_beyond_half_the_kernel_is_refused_as_torch_does() -> None:
    """Dilation widens the window, not the padding it may have."""
    x = torch.ones(1, 1, 9, 9)
    for layer in (F.max_pool2d, functional.max_pool2d):
        with pytest.raises(RuntimeError, match="pad should be"):
            layer(x, 2, 1, 2, 3)


def test_a_window_that_sees_nothing_but_padding_is_refused() -> None:
    """torch gives −∞ here and its backward writes outside the image."""
    with pytest.raises(RuntimeError, match="padding"):
        functional.max_pool2d(torch.ones(1, 1, 2, 2), 2, 1, 1, 3)


def test_complex_numbers_have_no_maximum_as_in_torch() -> None:
    x = torch.zeros(1, 1, 4, 4, dtype=torch.complex64)
    for layer in (F.max_pool2d, functional.max_pool2d):
        with pytest.raises(NotImplementedError, match="\"max_pool2d\" not implemented for 'ComplexFloat'"):
            layer(x, 2)
