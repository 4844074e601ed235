"""MSELoss, L1Loss, SmoothL1Loss, HuberLoss: torch's modules with our arithmetic."""

import pytest

from manualconv import nn


def test_the_arguments_of_2018_are_torch_s() -> None:
    with pytest.warns(UserWarning, match="size_average and reduce args will be deprecated"):
        assert nn.MSELoss(size_average=False).reduction == "sum"
