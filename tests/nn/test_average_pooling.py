"""AvgPool1d, AvgPool2d, AvgPool3d: torch's arguments and repr; our arithmetic."""

import torch
from hypothesis import given

from manualconv.testing.cases import Pooling
from manualconv.testing.cases.averaging import DIVISIBLE, averages, options
from tests.nn.twin import results, twins


@given(case=averages(2, 1, 3))
def test_average_pooling_computes_what_torch_s_does(case: Pooling) -> None:
    modules = twins(f"AvgPool{case.window.ndim}d", **options(case))
    x = DIVISIBLE * case.input()
    cotangent = DIVISIBLE * case.cotangent(tuple(modules[0](x).shape[2:]))
    assert all(map(torch.equal, *(results(module, x, cotangent=cotangent) for module in modules)))
