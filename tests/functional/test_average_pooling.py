"""avg_pool1d, avg_pool2d, avg_pool3d: rounding, dtypes, and what torch takes for numbers."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from manualconv import definitions, functional
from manualconv.testing.cases import Pooling, poolings
from manualconv.testing.cases.averaging import averages, options
from manualconv.testing.judge import error
from tests.layers import close, spread_out

BY_HAND = {1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}
REFEREE = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
CASES = averages(2, 1, 3)
EVERY = pytest.mark.parametrize("ndim", [1, 2, 3])


def divisors(case: Pooling) -> np.ndarray:
    """What each window's sum is divided by."""
    return definitions.divisors(case.window, case.ceil_mode, case.count_include_pad, case.divisor_override)


@given(case=poolings(dilated=False))
def test_a_maximum_is_never_below_a_mean_of_the_same_window(case: Pooling) -> None:
    x = case.unbatch(case.input())
    mean = functional.avg_pool2d(x, **case.sizes, ceil_mode=case.ceil_mode, count_include_pad=False)
    highest = functional.max_pool2d(x, **case.sizes, ceil_mode=case.ceil_mode)
    assert torch.all(highest >= mean - 2**-40)


@given(case=CASES, dtype=st.sampled_from((torch.float32, torch.float64, torch.float16, torch.bfloat16)))
def test_a_mean_of_k_numbers_is_within_k_plus_one_roundings(case: Pooling, dtype: torch.dtype) -> None:
    """G9: K − 1 additions and a division; in half precision float32's, and one rounding."""
    generator = torch.Generator().manual_seed(case.seed)
    ndim, divisor = case.window.ndim, divisors(case)
    x = case.input() + torch.rand(case.input().shape, generator=generator, dtype=torch.float64)
    x = x.to(dtype).requires_grad_()
    y = BY_HAND[ndim](case.unbatch(x), **options(case))
    cotangent = torch.rand((*x.shape[:2], *divisor.shape), generator=generator, dtype=torch.float64).to(dtype)
    (x_bar,) = grad(y, x, case.unbatch(cotangent))

    def exact(t: Tensor, g: Tensor, divisor: np.ndarray) -> tuple[Tensor, Tensor]:
        pooled = definitions.avg_pool(t.double().numpy(), case.window, divisor)
        return case.unbatch(torch.from_numpy(pooled)), torch.from_numpy(
            definitions.avg_pool_gradient(g.double().numpy(), case.window, divisor)
        )

    values = exact(x.detach(), cotangent, divisor)
    scales = exact(x.detach().abs(), cotangent, abs(divisor))
    bound = case.window.taps + 1 if dtype in (torch.float32, torch.float64) else 1.01
    for got, value, scale in zip((y, x_bar), values, scales):
        assert error(got, value, scale) <= bound


@EVERY
def test_a_window_of_one_position_is_a_copy(ndim: int) -> None:
    x = spread_out((2, 3, 5, 4, 3)[: ndim + 2])
    y = BY_HAND[ndim](x, 1, 1)
    assert torch.equal(y, x) and y.data_ptr() != x.data_ptr()


@EVERY
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_sum_under_a_mean_may_be_larger_than_its_dtype_holds(ndim: int, dtype: torch.dtype) -> None:
    large = torch.full((1, 1, *(4,) * ndim), 60000.0, dtype=dtype, requires_grad=True)
    y = BY_HAND[ndim](large, 4)
    assert torch.equal(y, large.detach()[..., :1].reshape(-1)[:1].reshape(y.shape))
    assert grad(y.sum(), large)[0].eq(1 / 4**ndim).all()


@EVERY
def test_integer_means_are_cut_towards_zero_as_torch_s(ndim: int) -> None:
    x = torch.randint(-9, 9, (2, 3, 7, 8, 6)[: ndim + 2], generator=torch.Generator().manual_seed(0))
    arguments = ((3, 2, 2)[:ndim], 2, (1, 0, 1)[:ndim], True)
    assert torch.equal(BY_HAND[ndim](x, *arguments), REFEREE[ndim](x, *arguments))
    if ndim > 1:
        assert torch.equal(BY_HAND[ndim](x, 2, divisor_override=-3), REFEREE[ndim](x, 2, divisor_override=-3))


@EVERY
def test_without_samples_the_gradient_is_empty_and_without_a_cotangent_there_is_none(ndim: int) -> None:
    x = torch.zeros((0, 3, 4, 4, 4)[: ndim + 2], requires_grad=True)
    y = BY_HAND[ndim](x, 2)
    assert y.shape == (0, 3, 2, 2, 2)[: ndim + 2]
    assert grad(y.sum(), x)[0].shape == x.shape
    undefined = torch._C._functions.UndefinedGrad()(BY_HAND[ndim](x, 2))
    assert grad(undefined, x, torch.zeros_like(y), allow_unused=True) == (None,)


@EVERY
def test_what_torch_takes_for_a_number_is_one(ndim: int) -> None:
    x = spread_out((2, 3, 6, 5, 4)[: ndim + 2])
    for size in (torch.tensor(2), np.int64(2), (2,), [2] * ndim, (2, *(True,) * (ndim - 1))):
        close(BY_HAND[ndim](x, size), REFEREE[ndim](x, size))
    for stride in (None, (), []):
        assert torch.equal(BY_HAND[ndim](x, 2, stride), BY_HAND[ndim](x, 2, 2))
