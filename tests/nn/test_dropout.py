"""Dropout modules in a model, converted too, and construction refused as torch refuses it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from manualconv import convert, nn
from manualconv.swap.layer import is_by_hand
from manualconv.testing.catalogue.dropout import seeded
from tests.activations import outcome
from tests.layers import spread_out


def test_dropout_overwrites_a_convolution_s_output() -> None:
    model = nn.Sequential(nn.Conv2d(2, 3, 2), nn.ReLU(inplace=True), nn.Dropout(inplace=True)).double()
    seeded(model, spread_out((2, 2, 4, 3))).sum().backward()
    assert model[0].weight.grad.abs().sum() > 0


def test_a_converted_model_drops_what_it_did() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Dropout(0.3), torch.nn.Dropout1d(0.3)).double()
    x = spread_out((5, 4))
    expected = seeded(model, x)
    torch.testing.assert_close(seeded(convert(model), x), expected, rtol=0, atol=1e-12)
    assert all(is_by_hand(layer) for layer in model)


@pytest.mark.parametrize("p", [1.5, -0.1, "a", None, float("nan")])
def test_a_probability_outside_is_refused_as_torch_refuses_it(p: Any) -> None:
    ours, theirs = (outcome(lambda x, n=library: n.Dropout(p)(x), torch.ones(3)) for library in (nn, torch.nn))
    assert ours == theirs
