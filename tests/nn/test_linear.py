"""Linear: torch's parameters, state_dict and repr; our arithmetic."""

import torch

from manualconv import nn
from tests.layers import spread_out


def test_a_lazy_layer_becomes_ours_with_torch_s_parameters() -> None:
    x = spread_out((2, 4, 5)).float()
    results = []
    for layers in (nn, torch.nn):
        torch.manual_seed(0)
        module = layers.LazyLinear(3)
        y = module(x)
        assert type(module) is layers.Linear
        results.append((module.in_features, y, *module.parameters()))
    (features, ours, *parameters), (expected, theirs, *others) = results
    assert features == expected == 5
    assert all(map(torch.equal, parameters, others))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=8 * 2**-24)


def test_a_lazy_layer_takes_its_shape_from_a_state_dict() -> None:
    lazy, whole = nn.LazyLinear(3, bias=False), torch.nn.Linear(5, 3, bias=False)
    lazy.load_state_dict(whole.state_dict())
    assert torch.equal(lazy.weight, whole.weight)
    lazy(torch.ones(1, 5))
    assert type(lazy) is nn.Linear
