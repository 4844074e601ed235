"""Softmax, LogSoftmax: torch's modules with our arithmetic."""

import pytest
import torch

from manualconv import convert, nn
from manualconv.swap.layer import is_by_hand
from tests.activations import outcome
from tests.layers import spread_out

MODULES = {"Softmax": (1,), "LogSoftmax": (-1,), "Softmin": (0,)}


@pytest.mark.parametrize("shape", [(2, 3, 4, 2), (3, 4, 2), (3, 4)])
def test_softmax2d_is_torch_s(shape: tuple[int, ...]) -> None:
    z = spread_out(shape)
    ours, theirs = (outcome(library.Softmax2d(), z) for library in (nn, torch.nn))
    if len(shape) < 3:
        assert ours == theirs
    else:
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-15)


@pytest.mark.parametrize("name", MODULES)
def test_a_converted_layer_guesses_the_axis_as_torch(name: str) -> None:
    z, layer = spread_out((3, 4)), getattr(torch.nn, name)()
    with pytest.warns(UserWarning, match="Implicit dimension choice"):
        expected = layer(z)
    with pytest.warns(UserWarning, match="Implicit dimension choice"):
        torch.testing.assert_close(convert(layer)(z), expected, rtol=0, atol=1e-15)
    assert is_by_hand(layer)
