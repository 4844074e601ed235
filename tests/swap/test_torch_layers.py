"""TORCH_LAYERS: each layer of manualconv.nn beside torch's, for tools' tables by exact type (test_look_up_by_type)."""

from typing import Any

import pytest
from torch import nn as theirs
from torch.nn.modules.lazy import LazyModuleMixin

import manualconv
from manualconv import TORCH_LAYERS, nn
from tests.swap.test_scripting import TORCH_HAS_NOT


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
        if issubclass(layer, LazyModuleMixin):
            assert TORCH_LAYERS[layer.cls_to_become] is torch_s.cls_to_become

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
