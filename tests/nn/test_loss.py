"""NLLLoss, CrossEntropyLoss, MSELoss: torch's modules with our arithmetic."""

import pytest
import torch

from manualconv import nn
from tests.layers import CLASS_WEIGHTS, CLASSES, spread_out

LOSSES = {
    "NLLLoss": ({"weight": CLASS_WEIGHTS}, CLASSES),
    "CrossEntropyLoss": ({"weight": CLASS_WEIGHTS, "ignore_index": 0}, CLASSES.clamp(min=0)),
    "MSELoss": ({}, spread_out((2, 3, 3), 5)),
}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_values_and_gradients_are_torch_s(name: str, reduction: str) -> None:
    options, target = LOSSES[name]
    results = []
    for layers in (nn, torch.nn):
        module = getattr(layers, name)(**options, reduction=reduction)
        assert isinstance(module, getattr(torch.nn, name))
        z = spread_out((2, 3, 3)).requires_grad_()
        loss = module(z, target)
        results.append((loss, *torch.autograd.grad(loss, z, spread_out(loss.shape, 1) + 3)))
    torch.testing.assert_close(*results, rtol=0, atol=1e-14)


def test_the_class_weights_are_a_buffer_of_the_same_name() -> None:
    ours, theirs = nn.NLLLoss(CLASS_WEIGHTS), torch.nn.NLLLoss(CLASS_WEIGHTS)
    assert list(ours.state_dict()) == list(theirs.state_dict()) == ["weight"]


def test_label_smoothing_is_refused_until_it_is_there() -> None:
    with pytest.raises(NotImplementedError, match="label_smoothing"):
        nn.CrossEntropyLoss(label_smoothing=0.1)(torch.ones(2, 3), torch.tensor([0, 1]))
