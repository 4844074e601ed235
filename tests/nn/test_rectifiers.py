"""ReLU, ReLU6, Hardtanh, …: torch's modules with our arithmetic."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from manualconv import nn
from tests.layers import spread_out

MODULES: dict[str, tuple[Any, ...]] = {
    "ReLU": (),
    "ReLU6": (),
    "Hardtanh": (-0.75, 1.1),
    "Threshold": (0.3, -1.5),
    "Hardsigmoid": (),
    "Hardswish": (),
    "LeakyReLU": (0.2,),
    "ELU": (1.5,),
    "CELU": (0.5,),
    "SELU": (),
}


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize(("name", "arguments"), MODULES.items(), ids=MODULES)
def test_values_gradients_and_repr_are_torch_s(name: str, arguments: tuple[Any, ...], inplace: bool) -> None:
    ours, theirs = (getattr(library, name)(*arguments, inplace=inplace) for library in (nn, torch.nn))
    assert isinstance(ours, type(theirs))
    assert repr(ours) == repr(theirs)
    results = []
    for module in (ours, theirs):
        z = spread_out((3, 4)).requires_grad_()
        y = module(z * 2)
        results.append((y, *torch.autograd.grad(y, z, spread_out((3, 4), 1))))
    # torch multiplies by a sixth of single precision in hardsigmoid's slope.
    torch.testing.assert_close(*results, rtol=0, atol=2e-8 if name == "Hardsigmoid" else 1e-15)


@pytest.mark.parametrize(("name", "arguments"), MODULES.items(), ids=MODULES)
def test_a_layer_may_overwrite_a_convolution_s_output(name: str, arguments: tuple[Any, ...]) -> None:
    model = nn.Sequential(nn.Conv2d(2, 3, 2), getattr(nn, name)(*arguments, inplace=True)).double()
    model(spread_out((2, 2, 4, 3))).sum().backward()
    assert model[0].weight.grad.abs().sum() > 0
