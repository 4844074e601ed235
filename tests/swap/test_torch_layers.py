"""TORCH_LAYERS: a tool's table by exact type, filled by the idiom, knows every layer of a network of manualconv.nn."""

from typing import Any

import pytest
import torch
from torch import nn as theirs

import manualconv
from manualconv import TORCH_LAYERS, nn
from tests.swap.test_scripting import TORCH_HAS_NOT


def filled(table: dict[type, Any]) -> dict[type, Any]:
    """A tool's table of torch's layers, with ours beside them."""
    for ours, torch_s in TORCH_LAYERS.items():
        if torch_s in table:
            table[ours] = table[torch_s]
    return table


def net(nn: Any) -> torch.nn.Module:
    """A network of one library's layers."""
    features = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2))
    return nn.Sequential(features, nn.Dropout(), nn.Flatten(), nn.LazyLinear(4), nn.LogSoftmax(1))


def layers(model: torch.nn.Module) -> list[torch.nn.Module]:
    """What has no modules of its own."""
    return [module for module in model.modules() if not list(module.children())]


def test_a_table_by_exact_type_finds_ours_where_it_finds_torch_s() -> None:
    names = {cls: cls.__name__ for cls in map(type, layers(net(theirs)))}
    table = filled(names.copy())
    for input_seen in (False, True):  # a lazy layer becomes another one
        ours, torch_s = net(nn), net(theirs)
        if input_seen:
            table = filled({**names, theirs.Linear: "Linear"})
            for model in (ours, torch_s):
                model(torch.zeros(2, 1, 6, 6))
        found = [table[type(module)] for module in layers(ours)]
        assert found == [type(module).__name__ for module in layers(torch_s)]


def test_it_adds_nothing_to_a_table_that_knows_no_layer() -> None:
    assert filled({theirs.LSTM: 1}) == {theirs.LSTM: 1}


def test_it_holds_each_layer_of_ours_that_torch_has_and_no_other() -> None:
    ours = {
        layer
        for layer in (getattr(nn, name) for name in nn.__all__)
        if isinstance(layer, type) and layer.__module__.startswith("manualconv.")
    }
    assert {layer.__name__ for layer in ours - set(TORCH_LAYERS)} == TORCH_HAS_NOT
    assert set(TORCH_LAYERS) <= ours
    for layer, torch_s in TORCH_LAYERS.items():
        assert torch_s is getattr(theirs, layer.__name__)
        assert issubclass(layer, torch_s) and layer is not torch_s

    class Own(nn.Conv2d):
        """Whose code may differ."""

    assert Own not in TORCH_LAYERS
    assert theirs.Conv2d not in TORCH_LAYERS


def test_it_is_one_object_that_nobody_can_change() -> None:
    table: Any = manualconv.TORCH_LAYERS
    assert table is TORCH_LAYERS is manualconv.swap.TORCH_LAYERS
    with pytest.raises(TypeError):
        table[nn.Conv2d] = theirs.Linear
    with pytest.raises(TypeError):
        del table[nn.Conv2d]
    with pytest.raises(AttributeError):
        table.clear()
