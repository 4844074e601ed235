"""Calls of every public function that takes numbers, and what may stand for a number: for a comparison with torch."""

import enum
import inspect
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from manualconv import functional
from manualconv.testing.catalogue.activation import ENTRYWISE
from tests.bad_input.calls import numbers
from tests.bad_input.table import RIGHT


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


#: What a parameter that takes numbers is said to be, and flags for which torch takes an int.
NUMBERS = re.compile("int|float|Numbers|Padding|Size|Sequence")
FLAGS = ("ceil_mode", "count_include_pad")
#: An int for each, if not 1.
INTS = {
    **dict.fromkeys(("kernel_size", "stride", "output_size", "size", "num_groups", "max_val"), 2),
    **dict.fromkeys(("norm_type", "divisor_override", "beta", "delta", "value"), 2),
    "min_val": 0,
}
#: Calls whose arguments in tests/bad_input no int fits.
OTHER: dict[str, dict[str, Any]] = {
    "fold": {"input": numbers(2, 8, 1), "output_size": 2},
    "layer_norm": {"input": numbers(2, 4, 1), "normalized_shape": 1, "weight": None, "bias": None},
    "pad": {"pad": (1, 1)},
    # As many as torch's vectorised kernels take: at NaN the others' slopes are not theirs.
    **{name: {"input": RIGHT[name]["input"].repeat(3, 1, 4)} for name in ENTRYWISE if name in RIGHT},
    **{f"lp_pool{n}d": {"input": numbers(2, 4, *(8, 9, 7)[:n]).abs() + 1} for n in (1, 2, 3)},
}


def calls() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """A function, its arguments, and those that are numbers, with an int each."""
    for name, right in RIGHT.items():
        parameters = inspect.signature(inspect.unwrap(getattr(functional, name))).parameters
        keys = [key for key, p in parameters.items() if NUMBERS.match(str(p.annotation)) or key in FLAGS]
        if keys and "dropout" not in name:  # which draw, and whose p tests/reports/test_graph.py asks about
            yield name, {**right, **OTHER.get(name, {})}, {key: INTS.get(key, 1) for key in keys}
