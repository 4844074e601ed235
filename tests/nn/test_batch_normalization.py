"""Batch and instance normalisation modules: torch's arguments, buffers and repr; our arithmetic."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.autograd import grad

from manualconv import nn
from tests.functional.test_batch_normalization import near
from tests.layers import spread_out

SHAPES = {1: (4, 3, 5), 2: (4, 3, 2, 5), 3: (2, 3, 2, 1, 3)}
OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"momentum": None},
    {"momentum": 0.3, "eps": 0.1},
    {"affine": False},
    {"affine": True, "track_running_stats": True, "momentum": 0.7},
    {"track_running_stats": False},
    {"bias": False},
)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("ndim", SHAPES)
@pytest.mark.parametrize("kind", ["BatchNorm", "InstanceNorm", "LazyBatchNorm", "LazyInstanceNorm"])
def test_three_steps_and_an_evaluation_are_torch_s(kind: str, ndim: int, options: dict[str, Any]) -> None:
    results = []
    for library in (nn, torch.nn):
        lazy = kind.startswith("Lazy")
        layer = getattr(library, f"{kind}{ndim}d")(*(() if lazy else (3,)), **options, dtype=torch.float64)
        found: list[Any] = []
        for step in range(5):
            x = (1 + spread_out(SHAPES[ndim], step)).requires_grad_()
            y = layer.train(step not in (3, 4))(x)
            found += [y, *grad(y, [x, *layer.parameters()], spread_out(SHAPES[ndim], step + 9))]
            found += [t.clone() for t in layer.state_dict().values()]
        assert type(layer) is getattr(library, f"{kind.removeprefix('Lazy')}{ndim}d")
        results.append((found, repr(layer), list(layer.state_dict())))
    near(results[0][0], results[1][0])
    assert results[0][1:] == results[1][1:]


@pytest.mark.parametrize("ndim", SHAPES)
@pytest.mark.parametrize("kind", ["BatchNorm", "InstanceNorm"])
def test_another_number_of_axes_is_torch_s_error(kind: str, ndim: int) -> None:
    words = []
    for library in (nn, torch.nn):
        with pytest.raises(ValueError, match=r"expected .* input"):
            getattr(library, f"{kind}{ndim}d")(3)(torch.ones(2, 3, *(2,) * (ndim + 1)))
        words.append(getattr(library, f"{kind}{ndim}d")(3).extra_repr())
    assert words[0] == words[1]


@pytest.mark.parametrize("ndim", SHAPES)
def test_one_instance_has_no_batch_axis(ndim: int) -> None:
    x = spread_out(SHAPES[ndim][1:])
    near(getattr(nn, f"InstanceNorm{ndim}d")(3)(x), getattr(torch.nn, f"InstanceNorm{ndim}d")(3)(x))
