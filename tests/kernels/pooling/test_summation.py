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
from manualconv.kernels.pooling import doubling, summation
from manualconv.kernels.pooling.summation import spread_bias, spread_windows, sum_to_bias, sum_windows
from manualconv.testing.cases import Convolution, convolutions
from tests.kernels.machine import needs_numba


@pytest.fixture(scope="module", params=["taps", "doubling", pytest.param("loops", marks=needs_numba)], autouse=True)
def path(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tap by tap, as small windows are; by doubling in blocks, and by compiled loops, however small."""
    with ExitStack() as stack:
        if request.param == "doubling":
            for name, value in (("MOVING", -inf), ("BLOCK", 40), ("COLUMNS", 2)):
                stack.enter_context(mock.patch.object(doubling, name, value))
        if request.param == "loops":
            stack.enter_context(mock.patch.object(summation, "LARGE", 0))
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
