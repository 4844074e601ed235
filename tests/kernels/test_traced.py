"""Kernels that take another way in a graph: what is recorded there gives the same numbers."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from manualconv.kernels.correlation import lowering_batch_last
from manualconv.kernels.entrywise import residuals
from manualconv.kernels.pooling.summation import spread_windows, sum_windows
from manualconv.testing.cases import Convolution, convolutions


def check(kernel: Callable[..., Any], *operands: Tensor) -> None:
    """The graph of a kernel gives what the kernel gives."""
    graph = make_fx(kernel)(*operands)
    torch.testing.assert_close(graph(*operands), kernel(*operands), rtol=1e-12, atol=1e-12)


@settings(max_examples=40)
@given(case=st.sampled_from((2, 1, 3)).flatmap(lambda ndim: convolutions(ndim, cut=True)))
def test_window_sums_and_the_three_maps(case: Convolution) -> None:
    x, w, y = case.batched()
    window = case.window
    check(lambda x: sum_windows(x, window), x)
    check(lambda x: spread_windows(x, window), sum_windows(x, window))
    check(lambda x, w: lowering_batch_last.to_output(x, w, None, window), x, w)
    check(lambda w, y: lowering_batch_last.to_input(w, y, window), w, y)
    check(lambda x, y: lowering_batch_last.to_weight(x, y, window), x, y)


@pytest.mark.parametrize("t", [0.0, 0.25, 1.0])
def test_losses_of_an_entry(t: float) -> None:
    x = torch.tensor([0.125, 0.25, 0.5, 0.875], dtype=torch.float64)
    target = torch.full_like(x, t)
    check(residuals.binary_cross_entropy, x, target)
    check(residuals.logit_cross_entropy, 8 * x - 4, target)
    check(lambda r: residuals.huber(r, 0.3, 0.3), x)
