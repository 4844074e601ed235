"""LPPool1d, LPPool2d, LPPool3d: torch's arguments and repr; our arithmetic."""

import pytest

from manualconv import nn


def test_a_norm_of_zero_is_refused_when_the_layer_is_made() -> None:
    with pytest.raises(ValueError, match="norm_type must be a non-zero value"):
        nn.LPPool2d(0, 2)
