"""LPPool1d, LPPool2d, LPPool3d: torch's arguments and repr; our arithmetic."""

import pytest
import torch

from manualconv import nn
from tests.layers import close, spread_out


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("arguments", [(2, 2), (4.0, 2, 1), (2, 3, 2, True), (float("inf"), 2)])
def test_the_module_is_torch_s_in_all_but_arithmetic(ndim: int, arguments: tuple) -> None:
    ours, theirs = (getattr(layers, f"LPPool{ndim}d")(*arguments) for layers in (nn, torch.nn))
    assert isinstance(ours, type(theirs))
    assert repr(ours) == repr(theirs)
    assert not ours.state_dict()
    x = spread_out((2, 3, 4, 6, 5)[: ndim + 2])
    close(ours(x), theirs(x))


def test_a_norm_of_zero_is_refused_when_the_layer_is_made() -> None:
    with pytest.raises(ValueError, match="norm_type must be a non-zero value"):
        nn.LPPool2d(0, 2)
