"""Sigmoid, Tanh, SiLU, GELU, …: torch's modules with our arithmetic, and LeNet-5's tanh."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from manualconv import nn
from tests.layers import spread_out

MODULES: list[tuple[str, dict[str, Any]]] = [
    ("Sigmoid", {}),
    ("Tanh", {}),
    ("LogSigmoid", {}),
    ("Softplus", {"beta": 1.5, "threshold": 2.1}),
    ("SiLU", {}),
    ("SiLU", {"inplace": True}),
    ("Mish", {}),
    ("Mish", {"inplace": True}),
    ("GELU", {}),
    ("GELU", {"approximate": "tanh"}),
]


@pytest.mark.parametrize(("name", "options"), MODULES)
def test_values_gradients_and_repr_are_torch_s(name: str, options: dict[str, Any]) -> None:
    ours, theirs = getattr(nn, name)(**options), getattr(torch.nn, name)(**options)
    assert isinstance(ours, type(theirs))
    assert repr(ours) == repr(theirs)
    results = []
    for module in (ours, theirs):
        z = spread_out((3, 4)).requires_grad_()
        y = module(z * 2)
        results.append((y, *torch.autograd.grad(y, z, spread_out((3, 4), 1))))
    torch.testing.assert_close(*results, rtol=0, atol=4e-15)


def test_lenet_s_tanh_is_one_at_one() -> None:
    y = nn.ScaledTanh()(torch.tensor([1.0, -1.0, 0.0, 1000.0], dtype=torch.float64))
    assert y.tolist() == pytest.approx([1.7159 * math.tanh(2 / 3), -1.7159 * math.tanh(2 / 3), 0, 1.7159], abs=1e-15)
    assert y[0].item() == pytest.approx(1, abs=2e-5)
