"""Bad calls of the normalisations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from tests.bad_input.calls import Row, numbers, rows_of
from tests.bad_input.convolution import Entries

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


def rows() -> Iterator[Row]:
    """Every bad call."""
    for function, families in {
        "batch_norm": (_batch(), _parameters()),
        "instance_norm": (_instance(),),
        "layer_norm": (_layer(),),
        "group_norm": (_group(),),
        "local_response_norm": (_local(),),
    }.items():
        for entries in families:
            yield from rows_of(function, right(function), entries)
    yield from modules()


def modules() -> Iterator[Row]:
    """Modules on inputs that are not theirs."""
    x = numbers(*SHAPE)
    for ndim, words in ((1, "expected 2D or 3D input (got 4D input)"), (3, "expected 5D input (got 4D input)")):
        yield Row(97, f"BatchNorm{ndim}d, images", lambda m, n=ndim: _norm(m, n, 4)(x), words, theirs=True)
    yield Row(
        96, "BatchNorm2d, three axes", lambda m: _norm(m, 2, 4)(x[0]), "expected 4D input (got 3D input)", theirs=True
    )
    many = "running_mean should contain 4 elements not 3"
    yield Row(98, "BatchNorm2d, channels", lambda m: _norm(m, 2, 3)(x), many, ("input.shape[1] = 4",))
    long = "\"batch_norm\" not implemented for 'Long'"
    yield Row(104, "BatchNorm2d, whole numbers", lambda m: _norm(m, 2, 4)(x.long()), long, ("input.float()",))
    double = "mixed dtype (CPU): all inputs must share same datatype."
    yield Row(105, "BatchNorm2d, float64", lambda m: _norm(m, 2, 4)(x.double()), double, ("torch.float64",))
    sizes = "empty(): argument 'size' (position 1) must be tuple of ints, not float"
    yield Row(106, "BatchNorm2d, half a channel", lambda m: _norm(m, 2, 2.5), sizes, theirs=True)
    negative = "Trying to create tensor with negative dimension -1: [-1]"
    yield Row(106, "BatchNorm2d, less than no channel", lambda m: _norm(m, 2, -1), negative, theirs=True)


def _norm(library: Any, ndim: int, features: Any) -> Any:
    return getattr(library.nn, f"BatchNorm{ndim}d")(features)


def _batch() -> Entries:
    x, three = numbers(*SHAPE), torch.ones(3)
    once = "Expected more than 1 value per channel when training, got input size torch.Size("
    yield 100, "one value", {"input": x[:1, :, 0, 0]}, once + "[1, 4])", "module.eval()"
    yield 100, "one value, two axes of places", {"input": x[:1, :, :1, :1]}, once + "[1, 4, 1, 1])", "module.eval()"
    eps = "batch_norm eps must be positive during training, but got "
    yield 101, "eps of zero", {"eps": 0.0}, eps + "0.0", "variance"
    yield 101, "eps below zero", {"eps": -0.5}, eps + "-0.5", "variance"
    evaluated = {"training": False}
    below = "batch_norm eps must be non-negative, but got -0.5"
    yield 102, "eps below zero in evaluation", {"eps": -0.5, **evaluated}, below, "variance"
    for key in ("running_mean", "running_var"):
        missing = f"{key} must be defined in evaluation mode"
        yield 103, f"no {key} in evaluation", {key: None, **evaluated}, missing, "module.train()"
        alone = "running_mean and running_var must either both be None or neither be None"
        yield 103, f"no {key} in training", {key: None}, alone, f"{key} is None"
    for key in ("running_mean", "running_var", "weight", "bias"):
        number = 98 if key == "running_mean" else 99
        yield number, f"length of {key}", {key: three}, f"{key} should contain 4 elements not 3", "input.shape[1] = 4"
    vector = {"input": x[0, 0, 0], "running_mean": None, "running_var": None, "weight": None, "bias": None}
    yield 100, "a vector", vector, "Dimension out of range", "at least 2 axes"


def _parameters() -> Entries:
    x, one = numbers(*SHAPE), torch.ones(4)
    for name, t in (("Long", x.long()), ("Bool", x.bool()), ("ComplexFloat", x + 0j)):
        words = f"\"batch_norm\" not implemented for '{name}'"
        yield 104, f"input of {t.dtype}", {"input": t}, words, "input.float()"
    share = "mixed dtype (CPU): all inputs must share same datatype."
    yield 105, "input of torch.float64", {"input": x.double()}, share, "module.to(torch.float64)"
    expect = "mixed dtype (CPU): expect parameter to have scalar type of Float"
    both = {"weight": one.half(), "bias": one.half()}
    yield 105, "parameters of torch.float16", both, expect, "torch.float16"
    yield 105, "weight of torch.int64", {"weight": one.long()}, expect, "torch.int64"
    found = "expected scalar type Float but found Double"
    yield 105, "bias of torch.float64", {"bias": one.double()}, found, "bias"
    yield 105, "running_var of torch.float64", {"running_var": one.double()}, found, "running_var"
    yield 104, "input is None", {"input": None}, "'NoneType' object has no attribute 'size'", "torch.as_tensor"
    yield 104, "input is a list", {"input": [1.0]}, "'list' object has no attribute 'size'", "torch.as_tensor"
    tensor = "batch_norm(): argument '{}' (position {}) must be Tensor, not {}"
    evaluated = {"input": [1.0], "training": False}
    yield 104, "input is a list in evaluation", evaluated, tensor.format("input", 1, "list"), "torch.as_tensor"
    yield 99, "weight is a list", {"weight": [1.0] * 4}, tensor.format("weight", 2, "list"), "torch.as_tensor"
    yield 99, "bias is a word", {"bias": "a"}, tensor.format("bias", 3, "str"), "torch.as_tensor"
    number = "batch_norm(): argument 'momentum' (position 7) must be float, not "
    yield 101, "momentum is a word", {"momentum": "a"}, number + "str", "number"
    yield 101, "no momentum", {"momentum": None}, number + "NoneType", "number"
    yield (
        101,
        "training is a number",
        {"training": 1},
        "batch_norm(): argument 'training' (position 6) must be bool",
        "True",
    )
    yield (
        103,
        "statistics with a gradient",
        {"running_mean": torch.zeros(4, requires_grad=True)},
        (
            "The function 'native_batch_norm' is not differentiable with respect to argument 'running_mean'. This "
            "input cannot have requires_grad True."
        ),
        "detach()",
    )


def _instance() -> Entries:
    x, three = numbers(*SHAPE), torch.ones(3)
    once = "Expected more than 1 spatial element when training, got input size torch.Size([2, 4, 1, 1])"
    for input in (None, [1.0], 3):
        kind = type(input).__name__
        words = f"'{kind}' object has no attribute 'size'"
        yield 104, f"input is of {kind}", {"input": input}, words, "torch.as_tensor"
    one_axis = {"input": torch.ones(4), "use_input_stats": False}
    yield 97, "one axis", one_axis, "Dimension out of range", "at least 2 axes"
    yield 100, "one place", {"input": x[:, :, :1, :1]}, once, "positions"
    given = "Expected running_mean and running_var to be defined when use_input_stats is false"
    yield 103, "no statistics", {"use_input_stats": False, "running_mean": None}, given, "module.train()"
    yield 103, "half the statistics", {"running_var": None}, "running_mean and running_var must either both", "None"
    for key in ("running_mean", "running_var", "weight", "bias"):
        number = 98 if key == "running_mean" else 99
        yield number, f"length of {key}", {key: three}, f"{key} should contain 8 elements not 6", "input.shape[1] = 4"
    yield 104, "whole numbers", {"input": x.long()}, "\"batch_norm\" not implemented for 'Long'", "input.float()"


def _layer() -> Entries:
    x, five = numbers(*SHAPE), torch.ones(5)
    ints = "layer_norm(): argument 'normalized_shape' (position 2) must be tuple of ints, "
    yield 106, "shape is a number", {"normalized_shape": 5}, ints + "not int", "(size,)"
    yield (
        106,
        "shape of fractions",
        {"normalized_shape": (5.0,)},
        ints + "but found element of type float at pos 0",
        "ints",
    )
    none = {"normalized_shape": (), "weight": None, "bias": None}
    yield 98, "no axes", none, "Expected normalized_shape to be at least 1-dimensional", "at least one axis"
    other = {"normalized_shape": (4, 5), "weight": None, "bias": None}
    given = "Given normalized_shape=[4, 5], expected input with shape [*, 4, 5], but got input of size[2, 4, 3, 5]"
    yield 98, "another shape", other, given, "last 2 axes"
    for key in ("weight", "bias"):
        words = f"Expected {key} to be of same shape as normalized_shape, but got {key} of shape [5]"
        yield 99, f"shape of {key}", {key: five}, words, "one number for each entry"
    words = "\"LayerNormKernelImpl\" not implemented for 'Long'"
    yield 104, "whole numbers", {"input": x.long(), "weight": None, "bias": None}, words, "input.float()"
    share = "mixed dtype (CPU): all inputs must share same datatype."
    yield 105, "float64", {"input": x.double()}, share, "torch.float64"
    yield (
        101,
        "eps is a word",
        {"eps": "a"},
        "layer_norm(): argument 'eps' (position 5) must be float, not str",
        "number",
    )
    no_tensor = "layer_norm(): argument 'input' (position 1) must be Tensor, not NoneType"
    yield 113, "no input", {"input": None}, no_tensor, "torch.as_tensor"


def _group() -> Entries:
    x, three = numbers(*SHAPE), torch.ones(3)
    divisible = "Expected number of channels in input to be divisible by num_groups"
    yield 98, "groups that leave channels over", {"num_groups": 3}, divisible, "leave 1 over"
    yield 98, "no groups", {"num_groups": 0}, "integer division or modulo by zero", "positive"
    yield (
        98,
        "fewer groups than none",
        {"num_groups": -2},
        "Expected num groups to be greater than 0, got -2",
        "channels",
    )
    number = "group_norm(): argument 'num_groups' (position 2) must be int, not float"
    yield 106, "half a group", {"num_groups": 2.0}, number, "num_groups=2.0"
    for key in ("weight", "bias"):
        words = f"Expected {key} to be a vector of size equal to the number of channels in input, but got {key} of sh"
        yield 99, f"length of {key}", {key: three}, words, "(4,)"
    one = "Expected more than 1 value per channel when training, got input size [1, 4, 1, 1]"
    yield 100, "one value a group", {"input": x[:1, :, :1, :1], "num_groups": 4}, one, "one value in each"
    yield (
        96,
        "one axis",
        {"input": x[0, 0, 0]},
        "Expected at least 2 dimensions for input tensor but received 1",
        "unsqueeze",
    )
    yield (
        104,
        "whole numbers",
        {"input": x.long(), "weight": None, "bias": None},
        "\"GroupNormKernelImpl\" not implemented for 'Long'",
        "input.float()",
    )
    yield (
        105,
        "float64",
        {"input": x.double()},
        "mixed dtype (CPU): all inputs must share same datatype.",
        "torch.float64",
    )
    yield (
        98,
        "no channels",
        {"input": x[:, :0], "weight": None, "bias": None},
        "Expected number of channels to be greater",
        "0",
    )
    yield 113, "no input", {"input": None}, "'NoneType' object has no attribute 'dim'", "torch.as_tensor"


def _local() -> Entries:
    x = numbers(*SHAPE)
    yield 96, "two axes", {"input": x[0, 0]}, "Expected 3D or higher dimensionality", "(N, C, *I)"
    words = "kernel size should be greater than zero, but got "
    yield 98, "no neighbours", {"size": 0}, words, "neighbouring channels"
    yield 98, "fewer neighbours than none", {"size": -1}, words, "neighbouring channels"
    half = "pad(): argument 'pad' failed to unpack"
    yield 106, "half a neighbour", {"size": 2.5}, half, "neighbouring channels"
    yield (
        104,
        "complex",
        {"input": x + 0j},
        "\"avg_pool3d_out_frame\" not implemented for 'ComplexFloat'",
        "input.float()",
    )
    yield 113, "no input", {"input": None}, "'NoneType' object has no attribute 'dim'", "torch.as_tensor"
