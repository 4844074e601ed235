"""Softmax, LogSoftmax: torch's modules with our arithmetic."""

import pytest
import torch

from manualconv import nn
from tests.layers import spread_out

MODULES = {"Softmax": (1,), "LogSoftmax": (-1,)}


@pytest.mark.parametrize(("name", "arguments"), MODULES.items())
def test_values_gradients_and_repr_are_torch_s(name: str, arguments: tuple[int, ...]) -> None:
    ours, theirs = getattr(nn, name)(*arguments), getattr(torch.nn, name)(*arguments)
    assert isinstance(ours, type(theirs))
    assert repr(ours) == repr(theirs)
    results = []
    for module in (ours, theirs):
        z = spread_out((3, 4)).requires_grad_()
        y = module(z)
        results.append((y, *torch.autograd.grad(y, z, spread_out((3, 4), 1))))
    torch.testing.assert_close(*results, rtol=0, atol=1e-15)
