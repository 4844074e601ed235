"""Window sums and bias sums against the loops, and the adjoint laws."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from manualconv.kernels.summation import spread_bias, spread_windows, sum_to_bias, sum_windows
from tests import definitions
from tests.strategies import Convolution, convolutions


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
