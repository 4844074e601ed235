"""Calls of every public function that takes numbers, and what may stand for a number: for a comparison with torch."""

import enum
import inspect
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Tensor

from manualconv import functional
from manualconv.testing.catalogue.activation import ENTRYWISE


class Index:
    """An int to whoever asks `operator.index`."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


class Real:
    """A float to whoever asks `float`."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __float__(self) -> float:
        return float(self.value)


def named(value: int) -> int:
    """An int with a name."""
    return enum.IntEnum("Named", {"NAME": value})["NAME"]


_NUMPY = ("int64", "int32", "uint8", "int8", "float64", "float32", "float16")
_DTYPES = (torch.int64, torch.uint8, torch.bool, torch.float32, torch.float64, torch.complex64)
_INSIDE: dict[str, Callable[[int], Any]] = {
    "int64 of NumPy": np.int64,
    "float64 of NumPy": np.float64,
    "tensor": torch.tensor,
    "tensor of a fraction": lambda n: torch.tensor(float(n)),
    "tensor (1,)": lambda n: torch.tensor([n]),
    "bool": bool,
    "float": float,
    "None": lambda n: None,
    "word": str,
    "named": named,
    "array": np.array,
}


def values(n: int) -> Iterator[tuple[str, Any]]:
    """What may stand for the number n, by name."""
    for name in _NUMPY:
        yield f"{name} of NumPy", np.array(n).astype(name)[()]
    yield "bool of NumPy", np.bool_(n)
    yield "array ()", np.array(n)
    yield "array (1,)", np.array([n])
    yield "array (2,)", np.array([n, n])
    for dtype in _DTYPES:
        yield f"tensor () {dtype}", torch.tensor(n).to(dtype)
        yield f"tensor (1,) {dtype}", torch.tensor([n]).to(dtype)
    yield "tensor () with a gradient", torch.tensor(float(n), requires_grad=True)
    yield "tensor (2,)", torch.tensor([n, n])
    yield from (("True", True), ("False", False), ("float", float(n)), ("complex", complex(n)), ("None", None))
    yield from (("fraction", Fraction(n)), ("decimal", Decimal(n)), ("word", str(n)), ("bytes", str(n).encode()))
    yield from (("object", object()), ("named", named(n)), ("index", Index(n)), ("real", Real(n)))
    for count in (1, 2, 3, 4):
        yield f"tuple of {count}", (n,) * count
        yield f"list of {count}", [n] * count
        yield f"Size of {count}", torch.Size([n] * count)
    for name, make in _INSIDE.items():
        yield f"tuple of 1 {name}", (make(n),)
        yield f"tuple of 2 {name}", (make(n), make(n))
    yield from (("int and bool", (n, True)), ("int and float", (n, float(n))), ("nothing", ()), ("no list", []))
    yield from (("generator", (n for _ in range(2))), ("range", range(n, n + 1)), ("set", {n}), ("nested", ((n,),)))
    yield from (("NaN", float("nan")), ("infinity", float("inf")), ("half", 0.5), ("-half", -0.5), ("-1", -1), ("0", 0))
    yield from (("half of NumPy", np.float32(0.5)), ("half in a tensor", torch.tensor(0.5, dtype=torch.float64)))
    yield "far beyond 64 bits", 10**400


def _x(*size: int) -> Tensor:
    return torch.arange(torch.Size(size).numel(), dtype=torch.float32).reshape(size) / 7 - 1


def calls() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """A function, its arguments, and those that are numbers, with an int each."""
    for ndim, size in ((1, (9,)), (2, (9, 8)), (3, (5, 6, 7))):
        x, w = _x(2, 4, *size), _x(4, 2, *(2,) * ndim)
        pooled, indices = getattr(torch.nn.functional, f"max_pool{ndim}d")(x, 2, 2, return_indices=True)
        more = {} if ndim == 1 else {"divisor_override": 2}
        two = {"kernel_size": 2, "stride": 2}
        convolved = {"stride": 2, "padding": 1, "dilation": 1, "groups": 2}
        yield f"conv{ndim}d", {"input": x, "weight": w, "groups": 2}, convolved
        given = {"input": x, "weight": w, "groups": 2, "stride": 2}
        yield f"conv_transpose{ndim}d", given, {**convolved, "output_padding": 1}
        rest = {"padding": 1, "ceil_mode": 1}
        yield f"max_pool{ndim}d", {"input": x, "kernel_size": 2}, {**two, **rest, "dilation": 1}
        yield f"avg_pool{ndim}d", {"input": x, "kernel_size": 2}, {**two, **rest, "count_include_pad": 1, **more}
        yield f"lp_pool{ndim}d", {"input": x.abs() + 1, "kernel_size": 2, "norm_type": 2}, {**two, "norm_type": 2}
        for kind in ("avg", "max"):
            yield f"adaptive_{kind}_pool{ndim}d", {"input": x}, {"output_size": 2}
        unpooled = {"input": pooled, "indices": indices, "kernel_size": 2}
        yield f"max_unpool{ndim}d", unpooled, {**two, "padding": 0, "output_size": size[0]}
        if ndim > 1:
            drawn = {"input": x, "kernel_size": 2, "output_size": 2, "_random_samples": torch.full((2, 4, ndim), 0.5)}
            yield f"fractional_max_pool{ndim}d", drawn, {"kernel_size": 2, "output_size": 2}
    x = _x(2, 4, 6, 6)
    yield "unfold", {"input": x, "kernel_size": 2}, {"kernel_size": 2, "dilation": 1, "padding": 1, "stride": 2}
    columns = {"input": _x(2, 8, 25), "output_size": 6, "kernel_size": 2}
    yield "fold", columns, {"output_size": 6, "kernel_size": 2, "dilation": 1, "padding": 0, "stride": 1}
    yield "pad", {"input": x, "pad": (1, 1)}, {"pad": 1, "value": 2}
    kept = {"input": x, "running_mean": torch.zeros(4), "running_var": torch.ones(4)}
    yield "batch_norm", {**kept, "training": True}, {"momentum": 1, "eps": 1}
    yield "batch_norm", kept, {"eps": 1}
    yield "instance_norm", kept, {"momentum": 1, "eps": 1}
    yield "layer_norm", {"input": _x(2, 4, 2), "normalized_shape": (2,)}, {"normalized_shape": 2, "eps": 1}
    yield "group_norm", {"input": x, "num_groups": 2}, {"num_groups": 2, "eps": 1}
    yield "local_response_norm", {"input": x, "size": 2}, {"size": 2, "alpha": 1, "beta": 1, "k": 1}
    for name in ENTRYWISE:
        parameters = inspect.signature(getattr(functional, name)).parameters
        numbers = [each for each in parameters.values() if each.annotation in (float, "float")]
        given = {each.name: value for value, each in enumerate(numbers, 1)}
        yield (
            name,
            {"input": x, **{each.name: given[each.name] for each in numbers if each.default is each.empty}},
            given,
        )
    for name in ("softmax", "log_softmax", "softmin"):
        yield name, {"input": x, "dim": 1}, {"dim": 1}
    yield "smooth_l1_loss", {"input": x, "target": x / 2}, {"beta": 2}
    yield "huber_loss", {"input": x, "target": x / 2}, {"delta": 2}
    classes = {"input": _x(3, 4), "target": torch.tensor([0, 1, 2])}
    yield "nll_loss", classes, {"ignore_index": 1}
    yield "cross_entropy", classes, {"ignore_index": 1, "label_smoothing": 1}
