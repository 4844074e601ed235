"""Linear: torch's parameters, state_dict and repr; our arithmetic.  Every lazy layer that has a weight."""

import pytest
import torch

from manualconv import nn
from tests.layers import spread_out


def test_a_lazy_layer_takes_its_shape_from_a_state_dict() -> None:
    lazy, whole = nn.LazyLinear(3, bias=False), torch.nn.Linear(5, 3, bias=False)
    lazy.load_state_dict(whole.state_dict())
    assert torch.equal(lazy.weight, whole.weight)
    lazy(torch.ones(1, 5))
    assert type(lazy) is nn.Linear


LAZY: dict[str, tuple[tuple[object, ...], dict[str, int]]] = {
    "LazyLinear": ((3,), {}),
    **{f"LazyConv{n}d": ((6, (3, 2, 1)[:n], 2, 1), {"groups": 2}) for n in (1, 2, 3)},
    **{f"LazyConvTranspose{n}d": ((6, (3, 2, 1)[:n], 2, 1, 1), {"groups": 2}) for n in (1, 2, 3)},
}


@pytest.mark.parametrize("name", LAZY)
def test_a_lazy_layer_becomes_ours_with_torch_s_parameters(name: str) -> None:
    arguments, options = LAZY[name]
    x = spread_out((2, 4, *(5, 4, 3)[: int(name[-2])]) if name.endswith("d") else (2, 3, 4)).float()
    results = []
    for layers in (nn, torch.nn):
        torch.manual_seed(0)
        module = getattr(layers, name)(*arguments, **options)
        assert isinstance(module.weight, torch.nn.UninitializedParameter)
        y = module(x)
        assert type(module) is getattr(layers, name.removeprefix("Lazy"))
        assert getattr(module, "in_features" if name == "LazyLinear" else "in_channels") == 4
        results.append((y, *module.parameters()))
    (ours, *parameters), (theirs, *others) = results
    assert all(map(torch.equal, parameters, others))
    torch.testing.assert_close(ours, theirs)
