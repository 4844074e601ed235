"""Sigmoid, Tanh, SiLU, GELU, …: torch's modules with our arithmetic, and LeNet-5's tanh."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from manualconv import nn
from tests.layers import spread_out
from tests.nn.twin import alike, twins

MODULES: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in ("Sigmoid", "Tanh", "LogSigmoid", "SiLU", "Mish", "GELU")),
    *((name, {"inplace": True}) for name in ("SiLU", "Mish")),
    ("Softplus", {"beta": 1.5, "threshold": 2.1}),
    ("GELU", {"approximate": "tanh"}),
]


@pytest.mark.parametrize(("name", "options"), MODULES)
def test_a_module_is_torch_s_in_all_but_arithmetic(name: str, options: dict[str, Any]) -> None:
    alike(twins(name, **options), spread_out((3, 4)) * 2, room=4e-15)


def test_lenet_s_tanh_is_one_at_one() -> None:
    y = nn.ScaledTanh()(torch.tensor([1.0, -1.0, 0.0, 1000.0], dtype=torch.float64))
    assert y.tolist() == pytest.approx([1.7159 * math.tanh(2 / 3), -1.7159 * math.tanh(2 / 3), 0, 1.7159], abs=1e-15)
    assert y[0].item() == pytest.approx(1, abs=2e-5)
