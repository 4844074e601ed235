"""AvgPool1d, AvgPool2d, AvgPool3d: torch's arguments and repr; our arithmetic."""

import pytest
import torch
from hypothesis import given

from manualconv import nn
from manualconv.testing.cases import Pooling
from manualconv.testing.cases.averaging import DIVISIBLE, averages, options


@given(case=averages(2, 1, 3))
def test_average_pooling_computes_what_torch_s_does(case: Pooling) -> None:
    results = []
    for layers in (nn, torch.nn):
        x = (DIVISIBLE * case.input()).requires_grad_()
        y = getattr(layers, f"AvgPool{case.window.ndim}d")(**options(case))(x)
        results.append((y, *torch.autograd.grad(y, x, DIVISIBLE * case.cotangent(tuple(y.shape[2:])))))
    assert all(map(torch.equal, *results))


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_a_pooling_of_single_positions_is_a_copy(ndim: int) -> None:
    x = torch.ones((1, 1, 2, 3, 2)[: ndim + 2])
    y = getattr(nn, f"AvgPool{ndim}d")(1)(x)
    assert torch.equal(y, x)
    assert y.data_ptr() != x.data_ptr()
