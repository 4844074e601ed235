"""MSELoss, L1Loss, SmoothL1Loss, HuberLoss: torch's modules with our arithmetic."""

import pytest
import torch

from manualconv import nn
from tests.layers import spread_out

LOSSES = {"MSELoss": {}, "L1Loss": {}, "SmoothL1Loss": {"beta": 0.7}, "HuberLoss": {"delta": 0.7}}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_values_and_gradients_are_torch_s(name: str, reduction: str) -> None:
    results = []
    for layers in (nn, torch.nn):
        module = getattr(layers, name)(**LOSSES[name], reduction=reduction)
        assert isinstance(module, getattr(torch.nn, name))
        x = spread_out((2, 3, 3)).requires_grad_()
        loss = module(x, spread_out((2, 3, 3), 5))
        results.append((loss, *torch.autograd.grad(loss, x, spread_out(loss.shape, 1) + 3)))
    torch.testing.assert_close(*results, rtol=0, atol=1e-14)


def test_the_arguments_of_2018_are_torch_s() -> None:
    with pytest.warns(UserWarning, match="size_average and reduce args will be deprecated"):
        assert nn.MSELoss(size_average=False).reduction == "sum"
