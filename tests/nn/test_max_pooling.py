"""MaxPool1d, 2d and 3d: torch's arguments and repr; our arithmetic."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from manualconv.testing.cases import Pooling, poolings
from tests.nn.twin import results, twins


@given(case=st.sampled_from((2, 1, 3)).flatmap(lambda ndim: poolings(ndim, dilated=True)))
def test_max_pooling_computes_what_torch_s_does(case: Pooling) -> None:
    modules = twins(
        f"MaxPool{case.window.ndim}d",
        **case.sizes,
        dilation=case.window.dilation,
        ceil_mode=case.ceil_mode,
        return_indices=True,
    )
    x = case.input()
    cotangent = case.cotangent(modules[0](x)[0].shape[2:])
    assert all(map(torch.equal, *(results(module, x, cotangent=cotangent) for module in modules)))
