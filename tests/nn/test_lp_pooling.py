"""LPPool1d, LPPool2d, LPPool3d: torch's arguments and repr; our arithmetic."""

import pytest

from manualconv import nn
from tests.layers import spread_out
from tests.nn.twin import alike, twins


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("arguments", [(2, 2), (4.0, 2, 1), (2, 3, 2, True), (float("inf"), 2)])
def test_a_module_is_torch_s_in_all_but_arithmetic(ndim: int, arguments: tuple) -> None:
    alike(twins(f"LPPool{ndim}d", *arguments), spread_out((2, 3, 4, 6, 5)[: ndim + 2]).abs(), room=1e-12)


def test_a_norm_of_zero_is_refused_when_the_layer_is_made() -> None:
    with pytest.raises(ValueError, match="norm_type must be a non-zero value"):
        nn.LPPool2d(0, 2)
