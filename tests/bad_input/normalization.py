"""Bad calls of the normalisations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from tests.bad_input.calls import Mistakes, Row, bad_calls, numbers

NAMES = ("batch_norm", "instance_norm", "layer_norm", "group_norm", "local_response_norm")
SHAPE = (2, 4, 3, 5)


def right(function: str) -> dict[str, Any]:
    """Arguments of a call that is all right."""
    x, one, zero = numbers(*SHAPE), torch.ones(4), torch.zeros(4)
    statistics = {"running_mean": zero.clone(), "running_var": one.clone()}
    return {
        "batch_norm": {"input": x, **statistics, "weight": one, "bias": zero, "training": True},
        "instance_norm": {"input": x, **statistics, "weight": one, "bias": zero},
        "layer_norm": {"input": x, "normalized_shape": (3, 5), "weight": torch.ones(3, 5), "bias": torch.zeros(3, 5)},
        "group_norm": {"input": x, "num_groups": 2, "weight": one, "bias": zero},
        "local_response_norm": {"input": x, "size": 3},
    }[function]


RIGHT = {name: right(name) for name in NAMES}


def rows() -> Iterator[Row]:
    """Every bad call."""
    families = ((_batch(), _parameters()), (_instance(),), (_layer(),), (_group(),), (_local(),))
    for function, mistakes in zip(NAMES, families):
        yield from bad_calls(function, right(function), *mistakes)
    yield from modules()


def modules() -> Iterator[Row]:
    """Modules on inputs that are not theirs."""
    x = numbers(*SHAPE)
    for number, ndim, features, given, words, *says in (
        (97, 1, 4, x, "expected 2D or 3D input (got 4D input)"),
        (97, 3, 4, x, "expected 5D input (got 4D input)"),
        (96, 2, 4, x[0], "expected 4D input (got 3D input)"),
        (98, 2, 3, x, "running_mean should contain 4 elements not 3", "input.shape[1] = 4"),
        (104, 2, 4, x.long(), "\"batch_norm\" not implemented for 'Long'", "input.float()"),
        (105, 2, 4, x.double(), "mixed dtype (CPU): all inputs must share same datatype.", "torch.float64"),
        (106, 2, 2.5, x, "empty(): argument 'size' (position 1) must be tuple of ints, not float"),
        (106, 2, -1, x, "Trying to create tensor with negative dimension -1: [-1]"),
    ):

        def call(library: Any, ndim: int = ndim, features: Any = features, given: Tensor = given) -> Any:
            return getattr(library.nn, f"BatchNorm{ndim}d")(features)(given)

        name = f"BatchNorm{ndim}d({features}) of {given.dtype}, {given.dim()} axes"
        yield Row(number, name, call, words, tuple(says), theirs=not says)


def _batch() -> Mistakes:
    x, three = numbers(*SHAPE), torch.ones(3)
    yield 100, "one value", {"input": x[:1, :, 0, 0]}, "module.eval()"
    yield 100, "one value, two axes of places", {"input": x[:1, :, :1, :1]}, "module.eval()"
    yield 101, "eps of zero", {"eps": 0.0}, "variance"
    yield 101, "eps below zero", {"eps": -0.5}, "variance"
    evaluated = {"training": False}
    yield 102, "eps below zero in evaluation", {"eps": -0.5, **evaluated}, "variance"
    for key in ("running_mean", "running_var"):
        yield 103, f"no {key} in evaluation", {key: None, **evaluated}, "module.train()"
        yield 103, f"no {key} in training", {key: None}, f"{key} is None"
    for key in ("running_mean", "running_var", "weight", "bias"):
        number = 98 if key == "running_mean" else 99
        yield number, f"length of {key}", {key: three}, "input.shape[1] = 4"
    vector = {"input": x[0, 0, 0], "running_mean": None, "running_var": None, "weight": None, "bias": None}
    yield 100, "a vector", vector, "at least 2 axes"


def _parameters() -> Mistakes:
    x, one = numbers(*SHAPE), torch.ones(4)
    for t in (x.long(), x.bool(), x + 0j):
        yield 104, f"input of {t.dtype}", {"input": t}, "input.float()"
    yield 105, "input of torch.float64", {"input": x.double()}, "module.to(torch.float64)"
    both = {"weight": one.half(), "bias": one.half()}
    yield 105, "parameters of torch.float16", both, "torch.float16"
    yield 105, "weight of torch.int64", {"weight": one.long()}, "torch.int64"
    yield 105, "bias of torch.float64", {"bias": one.double()}, "bias"
    yield 105, "running_var of torch.float64", {"running_var": one.double()}, "statistics", "float64"
    evaluated = {"input": [1.0], "training": False}
    yield 104, "input is a list in evaluation", evaluated, "torch.as_tensor"
    yield 101, "momentum is a word", {"momentum": "a"}, "number"
    yield 101, "no momentum", {"momentum": None}, "number"
    yield 101, "training is a number", {"training": 1}, "True"
    leaf = torch.zeros(4, requires_grad=True)
    yield 103, "statistics with a gradient", {"running_mean": leaf}, "detach()"


def _instance() -> Mistakes:
    x, three = numbers(*SHAPE), torch.ones(3)
    one_axis = {"input": torch.ones(4), "use_input_stats": False}
    yield 97, "one axis", one_axis, "at least 2 axes"
    yield 100, "one place", {"input": x[:, :, :1, :1]}, "positions"
    yield 103, "no statistics", {"use_input_stats": False, "running_mean": None}, "module.train()"
    yield 103, "half the statistics", {"running_var": None}, "None"
    for key in ("running_mean", "running_var", "weight", "bias"):
        number = 98 if key == "running_mean" else 99
        yield number, f"length of {key}", {key: three}, "input.shape[1] = 4"
    yield 104, "whole numbers", {"input": x.long()}, "input.float()"


def _layer() -> Mistakes:
    x, five = numbers(*SHAPE), torch.ones(5)
    yield 106, "shape is a number", {"normalized_shape": 5}, "(size,)"
    yield 106, "shape of fractions", {"normalized_shape": (5.0,)}, "ints"
    none = {"normalized_shape": (), "weight": None, "bias": None}
    yield 98, "no axes", none, "one or more"
    other = {"normalized_shape": (4, 5), "weight": None, "bias": None}
    yield 98, "another shape", other, "the last axes of input"
    for key in ("weight", "bias"):
        yield 99, f"shape of {key}", {key: five}, "one number for each entry"
    yield 104, "whole numbers", {"input": x.long(), "weight": None, "bias": None}, "input.float()"
    yield 105, "float64", {"input": x.double()}, "torch.float64"
    yield 101, "eps is a word", {"eps": "a"}, "number"


def _group() -> Mistakes:
    x, three = numbers(*SHAPE), torch.ones(3)
    yield 98, "groups that leave channels over", {"num_groups": 3}, ": 1 are left over"
    yield 98, "no groups", {"num_groups": 0}, "positive"
    yield 98, "fewer groups than none", {"num_groups": -2}, "channels"
    yield 106, "half a group", {"num_groups": 2.0}, "num_groups=2.0"
    for key in ("weight", "bias"):
        yield 99, f"length of {key}", {key: three}, "(4,)"
    yield 100, "one value a group", {"input": x[:1, :, :1, :1], "num_groups": 4}, "one value in each"
    yield 96, "one axis", {"input": x[0, 0, 0]}, "unsqueeze"
    yield 104, "whole numbers", {"input": x.long(), "weight": None, "bias": None}, "input.float()"
    yield 105, "float64", {"input": x.double()}, "torch.float64"
    yield 98, "no channels", {"input": x[:, :0], "weight": None, "bias": None}, "0"


def _local() -> Mistakes:
    x = numbers(*SHAPE)
    yield 96, "two axes", {"input": x[0, 0]}, "(N, C, *I)"
    yield 98, "no neighbours", {"size": 0}, "neighbouring channels"
    yield 98, "fewer neighbours than none", {"size": -1}, "neighbouring channels"
    yield 106, "half a neighbour", {"size": 2.5}, "neighbouring channels"
    yield 104, "complex", {"input": x + 0j}, "input.float()"
    yield 113, "no input", {"input": None}, "torch.as_tensor"
