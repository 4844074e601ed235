"""Linear: torch's parameters, state_dict and repr; our arithmetic."""

import pytest
import torch

from manualconv import nn
from tests.layers import spread_out


@pytest.mark.parametrize("bias", [True, False])
def test_the_same_seed_gives_the_same_layer(bias: bool) -> None:
    modules = []
    for layers in (nn, torch.nn):
        torch.manual_seed(0)
        modules.append(layers.Linear(5, 3, bias))
    ours, theirs = modules
    assert isinstance(ours, torch.nn.Linear)
    assert repr(ours) == repr(theirs)
    assert all(map(torch.equal, ours.parameters(), theirs.parameters()))
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = spread_out((2, 4, 5)).float()
    torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=8 * 2**-24)
