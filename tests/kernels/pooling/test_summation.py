"""Window sums and bias sums against the loops, and the adjoint laws."""

from collections.abc import Iterator
from contextlib import ExitStack
from math import inf
from unittest import mock

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from manualconv import definitions
from manualconv.geometry import Window
from manualconv.kernels.pooling import doubling
from manualconv.kernels.pooling.summation import spread_bias, spread_windows, sum_to_bias, sum_windows
from manualconv.testing.cases import Convolution, convolutions
from manualconv.testing.cases.tensors import laid_out


@pytest.fixture(scope="module", params=["taps", "doubling"], autouse=True)
def path(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tap by tap, as small windows are; by doubling in blocks, however small."""
    with ExitStack() as stack:
        if request.param == "doubling":
            for name, value in (("MOVING", -inf), ("BLOCK", 40), ("COLUMNS", 2)):
                stack.enter_context(mock.patch.object(doubling, name, value))
        yield


@given(case=st.sampled_from((2, 1, 3)).flatmap(lambda ndim: convolutions(ndim, groups=(1,), cut=True)))
def test_window_sums_are_convolutions_with_ones(case: Convolution) -> None:
    x, _, _ = case.batched()
    window, one_channel = case.window, x.flatten(0, 1).unsqueeze(1)
    ones = torch.ones((1, 1, *window.kernel_size), dtype=x.dtype)
    y = sum_windows(x, window)
    expected = definitions.to_output(one_channel.numpy(), ones.numpy(), window)
    assert torch.equal(y.flatten(0, 1).unsqueeze(1), torch.from_numpy(expected))
    cotangent = y.flip(0) + 1
    spread = spread_windows(cotangent, window)
    expected = definitions.to_input(ones.numpy(), cotangent.flatten(0, 1).unsqueeze(1).numpy(), window)
    assert torch.equal(spread.flatten(0, 1).unsqueeze(1), torch.from_numpy(expected))
    assert (y * cotangent).sum() == (x * spread).sum()


def test_no_samples_and_no_channels_have_no_sums() -> None:
    window = Window((40, 3), (31, 2), (1, 2), (1, 2), ((15, 15), (0, 0)))
    for lead in ((0, 2), (2, 0)):
        assert sum_windows(torch.zeros(*lead, *window.input_size), window).shape == (*lead, *window.output_size)
        assert spread_windows(torch.zeros(*lead, *window.output_size), window).shape == (*lead, *window.input_size)


@given(case=st.sampled_from((2, 1, 3, 0)).flatmap(convolutions))
def test_bias_sums_equal_the_loops_and_are_adjoint_to_spreading(case: Convolution) -> None:
    _, _, y = case.batched()
    b = torch.arange(1, y.shape[1] + 1, dtype=y.dtype)
    assert torch.equal(sum_to_bias(y), torch.from_numpy(definitions.to_bias(y.numpy())))
    spread = spread_bias(b, y.shape[0], tuple(y.shape[2:]))
    assert torch.equal(
        spread, torch.from_numpy(definitions.with_bias(torch.zeros(y.shape).double().numpy(), b.numpy()))
    )
    assert (spread * y).sum() == (b * sum_to_bias(y)).sum()


@pytest.mark.parametrize("kernel", [(9, 31), (1, 64), (20, 20), (27, 3)])
@pytest.mark.parametrize("layout", ["transposed", "sliced"])
def test_wide_windows_are_sums_of_the_taps(kernel: tuple[int, int], layout: str) -> None:
    """Integers are added exactly, whichever way; infinities stay within the windows that see them."""
    window = Window((23, 70), kernel, (1, 2), (1, 1), ((4, 4), (7, 9)))
    x = torch.randint(-9, 10, (2, 3, 23, 70), generator=torch.Generator().manual_seed(0)).float()
    x[1, 2, 11, 50] = torch.inf
    padded = torch.nn.functional.pad(x, (7, 9, 4, 4))
    expected = padded.unfold(2, kernel[0], 1).unfold(3, kernel[1], 2).sum((4, 5))
    assert torch.equal(sum_windows(laid_out(x, layout), window), expected)
    cotangent = x.new_zeros(expected.shape)
    cotangent[0, 1, 2, 3] = -torch.inf
    cotangent[1, 1, :, 5] = 3
    leaf = torch.zeros_like(padded, requires_grad=True)
    sums = leaf.unfold(2, kernel[0], 1).unfold(3, kernel[1], 2).sum((4, 5))
    (spread,) = torch.autograd.grad(sums, leaf, cotangent)
    assert torch.equal(spread_windows(laid_out(cotangent, layout), window), spread[:, :, 4:-4, 7:-9])


def test_a_wide_sum_is_not_a_difference_of_totals() -> None:
    """Beside 10^8 a running total would forget the ones."""
    x = torch.ones(1, 1, 4096)
    x[..., :1000] = 1e8
    y = sum_windows(x, Window((4096,), (100,), (1,), (1,), ((0, 0),)))
    assert torch.equal(y[..., 1000:], torch.full((1, 1, 2997), 100.0))
