"""MSELoss, L1Loss, SmoothL1Loss, HuberLoss: torch's modules with our arithmetic."""

import pytest

from manualconv import nn
from tests.layers import spread_out
from tests.nn.twin import alike, twins

LOSSES = {"MSELoss": {}, "L1Loss": {}, "SmoothL1Loss": {"beta": 0.7}, "HuberLoss": {"delta": 0.7}}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_module_is_torch_s_in_all_but_arithmetic(name: str, reduction: str) -> None:
    modules = twins(name, **LOSSES[name], reduction=reduction)
    alike(modules, spread_out((2, 3, 3)), spread_out((2, 3, 3), 5), room=1e-14)


def test_the_arguments_of_2018_are_torch_s() -> None:
    with pytest.warns(UserWarning, match="size_average and reduce args will be deprecated"):
        assert nn.MSELoss(size_average=False).reduction == "sum"
