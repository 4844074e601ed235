"""Layer, group and local response normalisation modules: torch's arguments and repr; our arithmetic."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.autograd import grad

from manualconv import nn
from tests.functional.test_batch_normalization import near
from tests.layers import spread_out

LAYERS: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "LayerNorm": ("LayerNorm", ((3, 5),), {"eps": 0.1}),
    "LayerNorm of one axis": ("LayerNorm", (5,), {}),
    "LayerNorm, no bias": ("LayerNorm", (5,), {"bias": False}),
    "LayerNorm, not affine": ("LayerNorm", (5,), {"elementwise_affine": False}),
    "GroupNorm": ("GroupNorm", (2, 4), {"eps": 0.1}),
    "GroupNorm, not affine": ("GroupNorm", (4, 4), {"affine": False}),
    "LocalResponseNorm": ("LocalResponseNorm", (3,), {"alpha": 0.5, "beta": 0.6, "k": 2.0}),
}


@pytest.mark.parametrize(("name", "arguments", "options"), LAYERS.values(), ids=LAYERS)
def test_a_module_is_torch_s_in_all_but_arithmetic(
    name: str, arguments: tuple[Any, ...], options: dict[str, Any]
) -> None:
    ours, theirs = (getattr(library, name)(*arguments, **options).double() for library in (nn, torch.nn))
    assert isinstance(ours, type(theirs))
    assert repr(ours) == repr(theirs)
    for seed, t in enumerate(ours.parameters()):
        torch.nn.init.uniform_(t, -1, 1, torch.Generator().manual_seed(seed))
    theirs.load_state_dict(ours.state_dict())
    shape, results = (2, 4, 3, 5), []
    for layer in (ours, theirs):
        x = spread_out(shape).requires_grad_()
        y = layer(x)
        results.append([y, *grad(y, [x, *layer.parameters()], spread_out(shape, 1))])
    near(*results)
