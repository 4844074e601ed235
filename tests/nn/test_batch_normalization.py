"""Batch and instance normalisation modules: torch's arguments, buffers and repr; our arithmetic."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
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


# ------------------------------------------------------------------------------ any order of steps, beside torch's

ACTIONS = ("train", "evaluate", "no samples", "load the state", "copy", "pickle", "reset", "step", "half and back")


@settings(max_examples=max(25, settings.default.max_examples // 6))
@given(actions=st.lists(st.sampled_from(ACTIONS), min_size=4, max_size=12), options=st.sampled_from(OPTIONS))
def test_whatever_is_done_with_it_it_stays_torch_s(actions: list[str], options: dict[str, Any]) -> None:
    layers: list[Any] = [library.BatchNorm2d(3, **options).double() for library in (nn, torch.nn)]
    for number, action in enumerate(actions):
        layers = [done(layer, action, number) for layer in layers]
        outputs = []
        for layer in layers:
            x = (1 + spread_out(SHAPES[2], number)).requires_grad_()
            y = layer(x)
            outputs.append([y, *grad(y, [x, *layer.parameters()], spread_out(SHAPES[2], number + 1))])
        near(*outputs)
        near(*(list(layer.state_dict().values()) for layer in layers))


def done(layer: Any, action: str, number: int) -> Any:
    """The layer after one more action."""
    if action == "no samples":
        layer(torch.zeros(0, 3, 2, 2).double().requires_grad_()).sum().backward()
    elif action == "load the state":
        state = {key: value + 0.5 * (number % 2) for key, value in layer.state_dict().items() if value.dim()}
        layer.load_state_dict(state, strict=False)
    elif action == "copy":
        return copy.deepcopy(layer)
    elif action == "pickle":
        return pickle.loads(pickle.dumps(layer))
    elif action == "reset":
        layer.reset_running_stats()
    elif action == "half and back":
        layer.float().double()
    elif action == "step":
        for parameter in layer.parameters():
            parameter.data.add_(0.1 * spread_out(tuple(parameter.shape), number))
    else:
        layer.train(action == "train")
    return layer


def test_compiled_without_a_break_it_keeps_its_statistics() -> None:
    """With no momentum torch's own does not compile whole."""
    for options, dynamic in (({}, False), ({}, True), ({"momentum": None}, False), ({"affine": False}, True)):
        torch._dynamo.reset()
        eager = nn.BatchNorm2d(3, **options).double()
        again = copy.deepcopy(eager)
        compiled = torch.compile(again, backend="aot_eager", fullgraph=True, dynamic=dynamic)
        for samples in (4, 6):
            results = []
            for layer, run in ((eager, eager), (again, compiled)):
                x = spread_out((samples, 3, 2, 5), samples).requires_grad_()
                y = run(x)
                slopes = grad(y, [x, *layer.parameters()], spread_out((samples, 3, 2, 5), 1))
                results.append([y, *slopes, *layer.buffers()])
            near(*results)
