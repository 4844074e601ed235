"""lp_pool1d, lp_pool2d, lp_pool3d: torch's at sums of zero, roots of negative numbers and every power; dtypes."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import grad

from manualconv import functional
from manualconv.testing.cases import Pooling
from manualconv.testing.cases.averaging import averages

BY_HAND = {1: functional.lp_pool1d, 2: functional.lp_pool2d, 3: functional.lp_pool3d}
REFEREE = {1: F.lp_pool1d, 2: F.lp_pool2d, 3: F.lp_pool3d}
CASES = averages(2, 1, 3)
NORMS = (1, 2, 3, 4.0, 2.5, 0.5, -1, -2.0, math.inf, -math.inf, math.nan, True)


def sizes(case: Pooling) -> tuple[object, object]:
    """Kernel and stride as torch takes them: an int in one dimension."""
    kernel, stride = case.window.kernel_size, case.window.stride
    return (kernel[0], stride[0]) if case.window.ndim == 1 else (kernel, stride)


@given(case=CASES, norm=st.sampled_from(NORMS), given_stride=st.booleans())
def test_values_and_gradients_equal_torch_s_at_zero_too(case: Pooling, norm: float, given_stride: bool) -> None:
    """Small whole numbers: sums of zero, and negative ones, are frequent."""
    window, (kernel, stride) = case.window, sizes(case)
    size = tuple(max(i, k) for i, k in zip(window.input_size, window.kernel_size))
    generator = torch.Generator().manual_seed(case.seed)
    x = torch.randint(-2, 3, (2, case.channels, *size), generator=generator).double()
    results = []
    for layer in (BY_HAND[window.ndim], REFEREE[window.ndim]):
        leaf = x.clone().requires_grad_()
        y = layer(leaf, norm, kernel, stride if given_stride else None, case.ceil_mode)
        cotangent = torch.arange(1, y.numel() + 1).double().reshape(y.shape)
        results.append((y, *grad(y, leaf, cotangent)))
    for got, expected in zip(*results):
        torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12, equal_nan=True)


def test_from_a_sum_of_zero_nothing_comes_back_at_any_order() -> None:
    """Where the root's slope is infinite; torch says so of the first order."""
    x = torch.zeros(1, 1, 4, dtype=torch.float64, requires_grad=True)
    at = functional.lp_pool1d(x, 2, 2)
    for _ in range(3):
        (at,) = grad(at.sum(), x, create_graph=True)
        assert torch.equal(at, torch.zeros_like(x))


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.int64])
def test_dtypes_are_torch_s(ndim: int, dtype: torch.dtype) -> None:
    if ndim == 3 and dtype == torch.float16:
        pytest.skip("torch's CPU has no mean of volumes in half precision")
    x = torch.arange(1, 65).reshape((1, 1, *((64,), (8, 8), (4, 4, 4))[ndim - 1])).to(dtype)
    ours, theirs = BY_HAND[ndim](x, 2, 2), REFEREE[ndim](x, 2, 2)
    assert ours.dtype == theirs.dtype
    if dtype == torch.int64:  # torch cuts the mean of integers before it takes the root
        theirs = REFEREE[ndim](x.double(), 2, 2).float()
    torch.testing.assert_close(ours, theirs, rtol=2**-9 if dtype == torch.float16 else 2**-22, atol=0)
