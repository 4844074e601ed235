"""ReLU, ReLU6, Hardtanh, …: torch's modules with our arithmetic."""

from __future__ import annotations

from typing import Any

import pytest

from manualconv import nn
from tests.layers import spread_out
from tests.nn.twin import alike, twins

MODULES: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("ReLU", "ReLU6", "Hardsigmoid", "Hardswish", "SELU"), ()),
    "Hardtanh": (-0.75, 1.1),
    "Threshold": (0.3, -1.5),
    "LeakyReLU": (0.2,),
    "ELU": (1.5,),
    "CELU": (0.5,),
}
EVERY = pytest.mark.parametrize(("name", "arguments"), MODULES.items(), ids=MODULES)


@EVERY
@pytest.mark.parametrize("inplace", [False, True])
def test_a_module_is_torch_s_in_all_but_arithmetic(name: str, arguments: tuple[Any, ...], inplace: bool) -> None:
    # torch multiplies by a sixth of single precision in hardsigmoid's slope.
    room = 2e-8 if name == "Hardsigmoid" else 1e-15
    alike(twins(name, *arguments, inplace=inplace), spread_out((3, 4)) * 2, room=room)


@EVERY
def test_a_layer_may_overwrite_a_convolution_s_output(name: str, arguments: tuple[Any, ...]) -> None:
    model = nn.Sequential(nn.Conv2d(2, 3, 2), getattr(nn, name)(*arguments, inplace=True)).double()
    model(spread_out((2, 2, 4, 3))).sum().backward()
    assert model[0].weight.grad.abs().sum() > 0
