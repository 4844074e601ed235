"""MaxPool1d, 2d and 3d: torch's arguments and repr; our arithmetic."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from manualconv import nn
from manualconv.testing.cases import Pooling, poolings


@given(case=st.sampled_from((2, 1, 3)).flatmap(lambda ndim: poolings(ndim, dilated=True)))
def test_max_pooling_computes_what_torch_s_does(case: Pooling) -> None:
    results = []
    for layers in (nn, torch.nn):
        x = case.input().requires_grad_()
        module = getattr(layers, f"MaxPool{case.window.ndim}d")(
            **case.sizes, dilation=case.window.dilation, ceil_mode=case.ceil_mode, return_indices=True
        )
        y, index = module(x)
        results.append((y, index, *torch.autograd.grad(y, x, case.cotangent(y.shape[2:]))))
    assert all(map(torch.equal, *results))


def test_a_pooling_of_single_positions_is_a_copy() -> None:
    x = torch.ones(1, 1, 2, 2)
    y = nn.MaxPool2d(1)(x)
    assert torch.equal(y, x)
    assert y.data_ptr() != x.data_ptr()
