"""NLLLoss, CrossEntropyLoss, BCELoss, BCEWithLogitsLoss: torch's modules with our arithmetic."""

import pytest
import torch

from manualconv import nn
from manualconv.testing.catalogue.classification_loss import CLASS_WEIGHTS, CLASSES
from tests.layers import spread_out

PROBABILITIES = spread_out((2, 3, 3), 5).sigmoid()
LOSSES = {
    "NLLLoss": ("NLLLoss", {"weight": CLASS_WEIGHTS}, CLASSES),
    "CrossEntropyLoss": ("CrossEntropyLoss", {"weight": CLASS_WEIGHTS, "ignore_index": 0}, CLASSES.clamp(min=0)),
    "smoothed": ("CrossEntropyLoss", {"weight": CLASS_WEIGHTS, "label_smoothing": 0.3}, CLASSES),
    "probabilities": ("CrossEntropyLoss", {"weight": CLASS_WEIGHTS, "label_smoothing": 0.3}, PROBABILITIES),
    "BCELoss": ("BCELoss", {"weight": CLASS_WEIGHTS}, PROBABILITIES),
    "BCEWithLogitsLoss": (
        "BCEWithLogitsLoss",
        {"weight": CLASS_WEIGHTS, "pos_weight": CLASS_WEIGHTS.flip(0)},
        PROBABILITIES,
    ),
}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("row", LOSSES)
def test_values_and_gradients_are_torch_s(row: str, reduction: str) -> None:
    name, options, target = LOSSES[row]
    results = []
    for layers in (nn, torch.nn):
        module = getattr(layers, name)(**options, reduction=reduction)
        assert isinstance(module, getattr(torch.nn, name))
        z = (spread_out((2, 3, 3)) / 5 + 0.5).requires_grad_()
        loss = module(z, target)
        results.append((loss, *torch.autograd.grad(loss, z, spread_out(loss.shape, 1) + 3)))
    torch.testing.assert_close(*results, rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", ["NLLLoss", "CrossEntropyLoss", "BCELoss", "BCEWithLogitsLoss"])
def test_the_weights_are_buffers_of_the_same_names(name: str) -> None:
    ours, theirs = (getattr(layers, name)(CLASS_WEIGHTS) for layers in (nn, torch.nn))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert next(iter(ours.state_dict())) == "weight"
