"""Bad calls of max_pool1d, max_pool2d and max_pool3d."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor

from tests.bad_input.calls import Mistakes, Row, bad_calls, numbers

SIZE = (8, 9, 7)
#: What torch's kernels count windows in.
WIDE = "<= 2147483647"
#: The number of the mistake that an axis without positions is.
EMPTY = {1: 79, 2: 78, 3: 80}


def right(ndim: int) -> dict[str, Any]:
    """Arguments of a call that is all right."""
    return {"input": numbers(2, 4, *SIZE[:ndim]), "kernel_size": 2, "stride": 2, "padding": 0, "dilation": 1}


RIGHT = {f"max_pool{n}d": right(n) for n in (1, 2, 3)}
EDITED = "one of the variables needed for gradient computation has been modified by an inplace operation: [torch.Lo"


def rows() -> Iterator[Row]:
    """Every bad call."""
    for n in (1, 2, 3):
        name = f"max_pool{n}d"
        of_numbers = (signs(n, n == 1), _dilations(n), counts(n, KEYS), kinds(n, KEYS), _numbers(n))
        of_tensors = (_empty(n), ranks(n), sparse(n), _types(n))
        with_indices = (
            (number, f"{what}, indices", {**changes, "return_indices": True}, *says)
            for number, what, changes, *says in (_line_with_indices() if n == 1 else ())
        )
        yield from bad_calls(name, right(n), *of_numbers, *of_tensors, with_indices)
        yield Row(95, f"{name}, indices edited", partial(_edited, n), EDITED, dangerous=True, theirs=n > 1)


def _edited(ndim: int, library: Any) -> Tensor | None:
    x = right(ndim)["input"].requires_grad_()
    y, index = getattr(library.functional, f"max_pool{ndim}d")(x, 2, return_indices=True)
    index.add_(10**9)
    y.sum().backward()
    return x.grad


KEYS = ("kernel_size", "stride", "padding", "dilation")
#: The numbers of the mistakes that too many, or too few, numbers per axis are.
COUNTED = {"kernel_size": 81, "stride": 82, "padding": 83, "dilation": 83}


def signs(n: int, of_line: bool = False) -> Mistakes:
    """Numbers that make no window."""
    yield 65, "kernel 0", {"kernel_size": 0, "stride": None}, "kernel_size=(0,", ">= 1"
    yield 66, "stride 0", {"stride": 0}, "stride=(0,", ">= 1"
    for value in (0, -1):
        yield 68 if of_line else 69, f"kernel {value} with a stride", {"kernel_size": value}, f"=({value},", ">= 1"
    yield 67 if of_line else 70, "stride -1", {"stride": -1}, "stride=(-1,", ">= 1"
    yield 71, "padding -1", {"padding": -1}, "padding=(-1", ">= 0"
    yield 72, "padding 2", {"padding": 2}, "<= (1,"
    kernel = {"kernel_size": 20}
    yield 76 if of_line else 75, "kernel 20", kernel, "i + 2*pad >= d*(k-1) + 1", "8 + 0 >= 1*19 + 1"


def _dilations(n: int) -> Mistakes:
    for value in (0, -1):
        yield 74 if n == 1 else 73, f"dilation {value}", {"dilation": value}, f"dilation=({value},", ">= 1"
    yield 72, "padding 2, dilated", {"padding": 2, "dilation": 3}, "<= (1,"
    last = (*(0,) * (n - 1), -1)
    yield 71, "padding -1 on the last axis", {"padding": last}, str(last), ">= 0"
    wide = {"kernel_size": 3, "dilation": 9}
    yield 76 if n == 1 else 75, "dilation 9", wide, "i + 2*pad >= d*(k-1) + 1", "8 + 0 >= 9*2 + 1"


def _line_with_indices() -> Mistakes:
    named = ("stride 0", "kernel -1 with a stride", "stride -1", "padding -1", "kernel 20")
    yield from (mistake for mistake in signs(1) if mistake[1] in named)
    yield 73, "dilation 0", {"dilation": 0}, "dilation=(0,)"
    yield 79, "no positions", {"input": numbers(2, 4, 0)}, "only the batch may be empty"
    yield 81, "two numbers of kernel_size", {"kernel_size": (2, 2)}, "(2, 2)"
    yield 46, "stride 2**62", {"stride": 2**62}, WIDE
    yield 77, "an axis too few", {"input": numbers(8)}, "[8]"
    yield 86, "complex numbers", {"input": right(1)["input"] + 0j}, ".real"


def counts(n: int, keys: tuple[str, ...]) -> Mistakes:
    """More numbers than axes, or none."""
    for key in keys:
        long = (1,) * (n + 1)
        yield COUNTED[key], f"{n + 1} numbers of {key}", {key: long}, f"{key}={long}"
        if key != "stride":
            yield COUNTED[key], f"no numbers of {key}", {key: ()}, f"{key}=()"


def _empty(n: int) -> Mistakes:
    yield from empty_axes(n)
    yield 77 if n < 3 else 87, "no axes", {"input": numbers()}, "[]"


def empty_axes(n: int) -> Mistakes:
    """Nothing to take windows of."""
    for name, shape in (("no channels", (2, 0, *SIZE[:n])), ("no positions", (2, 4, 0, *SIZE[1:n]))):
        yield EMPTY[n], name, {"input": numbers(*shape)}, "only the batch may be empty"


def ranks(n: int) -> Mistakes:
    """Axes that are no signals, images or volumes."""
    for name, shape in (("an axis too few", SIZE[:n]), ("an axis too many", (1, 2, 4, *SIZE[:n]))):
        yield 87 if n == 3 else 77, name, {"input": numbers(*shape)}, str(list(shape)), f"{n} spatial axes"


def kinds(n: int, keys: tuple[str, ...]) -> Mistakes:
    """No ints, and ints beyond 64 bits and 32."""
    for key in keys:
        for value in ("3", 2.5, True, np.array(2), *(() if key == "stride" else (None,))):
            yield 84, f"{key}={value!r}", {key: value}, "a tuple of ints, one per axis"
        if n > 1 or "dilation" not in keys:
            # A kernel so large crashed a torch.
            yield 46, f"{key}=2**62", {key: 2**62}, WIDE, {"dangerous": key == "kernel_size", "ours": "value cannot"}
    yield 84, "a fraction in a tuple", {"kernel_size": (2.5,) * n}, "(2.5,"
    if n > 1:
        last = (*(2,) * (n - 1), 2.5)
        yield 84, "a fraction behind an int", {"stride": last}, str(last)
    yield 46, "2**63", {"kernel_size": 2**63}, "64 bits"
    yield 46, "2**63 in a tuple", {"stride": (2**63,)}, "64 bits"


def _numbers(n: int) -> Mistakes:
    for value in (1, None):
        yield 84, f"ceil_mode={value}", {"ceil_mode": value}, "True or False"


def sparse(n: int) -> Mistakes:
    """Tensors that torch's operators alone know."""
    x = right(n)["input"]
    yield 56, "sparse input", {"input": x.to_sparse()}, "", {"theirs": True}


def _types(n: int) -> Mistakes:
    x = right(n)["input"]
    for t in (x.bool(), x + 0j, *((x.int(),) if n == 1 else ())):
        yield 86, f"input of {t.dtype}", {"input": t}, "no order", "return_indices=True" if n == 1 else ".int()"
