"""Bad calls of max_pool1d, max_pool2d and max_pool3d."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from tests.bad_input.calls import Row, changed, numbers, rows_of
from tests.bad_input.convolution import Entries

SIZE = (8, 9, 7)
LETTERS = {2: ("H", "W"), 3: ("T", "H", "W")}
COUNT = {2: "two", 3: "three"}


def right(ndim: int) -> dict[str, Any]:
    """Arguments of a call that is all right."""
    return {"input": numbers(2, 4, *SIZE[:ndim]), "kernel_size": 2, "stride": 2, "padding": 0, "dilation": 1}


def rows(ndim: int) -> Iterator[Row]:
    """Every bad call in `ndim` dimensions."""
    name = f"max_pool{ndim}d"
    families = (_line,) if ndim == 1 else (_signs, _counts)
    for entries in (*families, _sizes, _numbers, _types):
        yield from rows_of(name, right(ndim), entries(ndim))
    if ndim == 1:
        for number, what, changes, words, *says in _line_with_indices():
            yield changed(number, name, f"{what}, indices", right(1), {**changes, "return_indices": True}, words, *says)
    yield Row(
        95,
        f"{name}, indices edited",
        lambda library: _indices_edited(library, ndim),
        "one of the variables needed for gradient computation has been modified by an inplace operation: [torch.Lo",
        dangerous=True,
        theirs=ndim > 1,
    )


def _indices_edited(library: Any, ndim: int) -> Tensor | None:
    x = right(ndim)["input"].requires_grad_()
    y, index = getattr(library.functional, f"max_pool{ndim}d")(x, 2, return_indices=True)
    index.add_(10**9)
    y.sum().backward()
    return x.grad


def per_axis(letters: tuple[str, ...], prefix: str, number: int) -> str:
    """``kH: 0 kW: 0``."""
    return " ".join(f"{prefix}{letter}: {number}" for letter in letters)


def _line(n: int) -> Entries:
    above = "max_pool1d() {} must be greater than zero, but got {}"
    for value in (0, -1):
        yield 68, f"kernel {value}", {"kernel_size": value}, above.format("kernel_size", value), ">= 1"
        yield 67, f"stride {value}", {"stride": value}, above.format("stride", value), ">= 1"
        yield 74, f"dilation {value}", {"dilation": value}, above.format("dilation", value), ">= 1"
    yield 68, "kernel 0, no stride", {"kernel_size": 0, "stride": None}, above.format("kernel_size", 0), ">= 1"
    yield 71, "padding -1", {"padding": -1}, "max_pool1d() padding must be non-negative, but got -1", ">= 0"
    half = "max_pool1d() padding should be at most half of kernel size, but got padding=2 and kernel_size=2"
    yield 72, "padding 2", {"padding": 2}, half, "<= (1,)"
    yield 72, "padding 2, dilated", {"padding": 2, "dilation": 3}, half, "<= (1,)"
    small = "max_pool1d() Invalid computed output size: "
    yield 76, "kernel 20", {"kernel_size": 20}, f"{small}-5", "8 + 0 >= 1*19 + 1"
    yield 76, "dilation 9", {"kernel_size": 3, "dilation": 9}, f"{small}-5", "8 + 0 >= 9*2 + 1"
    for key, words in (
        ("kernel_size", "an int, list of ints or tuple of"),
        ("stride", "None, an int, list of ints, or tuple of"),
        ("padding", "an int, list of ints, or tuple of"),
        ("dilation", "an int, list of ints or tuple of"),
    ):
        number = {"kernel_size": 81, "stride": 82}.get(key, 83)
        must = f"max_pool1d() {key} must be {words} ints of size 1 but got size 2"
        yield number, f"two numbers of {key}", {key: (1, 1)}, must, f"{key}=(1, 1)"


def _line_with_indices() -> Entries:
    yield 66, "stride 0", {"stride": 0}, "stride should not be zero", "stride=(0,)"
    yield 69, "kernel -1", {"kernel_size": -1}, "kernel size should be greater than zero, but got kH: 1 kW: -1"
    yield 70, "stride -1", {"stride": -1}, "stride should be greater than zero, but got dH: 1 dW: -1"
    yield 73, "dilation 0", {"dilation": 0}, "dilation should be greater than zero, but got dilationH: 1 dilationW: 0"
    yield 71, "padding -1", {"padding": -1}, "pad must be non-negative, but got pad: -1"
    small = "Given input size: (4x1x8). Calculated output size: (4x1x-5). Output size is too small"
    yield 75, "kernel 20", {"kernel_size": 20}, small, "d*(k-1) + 1"
    empty = "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:[2, 4, 1, 0]"
    yield 79, "no positions", {"input": numbers(2, 4, 0)}, empty, "batch"
    single = "max_pool1d() argument 'kernel_size' should contain one int (got 2)"
    yield 81, "two numbers of kernel_size", {"kernel_size": (2, 2)}, single, "(2, 2)"
    wide = "value cannot be converted to type int without overflow"
    yield 46, "stride 2**62", {"stride": 2**62}, wide, "2147483647"
    rank = (
        "Expected 2 to 3 dimensions, but got 1-dimensional tensor for argument #1 'self' (while checking arguments for"
    )
    yield 77, "an axis too few", {"input": numbers(8)}, f"{rank} max_pool1d)", "[8]"
    ordered = "\"max_pool2d\" not implemented for 'ComplexFloat'"
    yield 86, "complex numbers", {"input": right(1)["input"] + 0j}, ordered, ".real"


def _signs(n: int) -> Entries:
    letters = LETTERS[n]
    zero = "stride should not be zero"
    yield 65, "kernel 0", {"kernel_size": 0, "stride": None}, zero, "kernel_size=(0, 0"
    yield 66, "stride 0", {"stride": 0}, zero, "stride=(0, 0"
    above = "{} should be greater than zero, but got "
    kernel, stride, dilation = (above.format(key) for key in ("kernel size", "stride", "dilation"))
    yield 69, "kernel 0 with a stride", {"kernel_size": 0}, kernel + per_axis(letters, "k", 0)
    yield 69, "kernel -1", {"kernel_size": -1}, kernel + per_axis(letters, "k", -1)
    yield 70, "stride -1", {"stride": -1}, stride + per_axis(letters, "d", -1)
    for value in (0, -1):
        yield 73, f"dilation {value}", {"dilation": value}, dilation + per_axis(letters, "dilation", value)
    last = (*(0,) * (n - 1), -1)
    yield 71, "padding -1", {"padding": -1}, "pad must be non-negative, but got pad: -1", "padding=(-1, -1"
    yield 71, "padding -1 on the last axis", {"padding": last}, "pad must be non-negative, but got pad: -1", str(last)
    half = "pad should be at most half of effective kernel size, but got pad=2, kernel_size=2 and dilation="
    yield 72, "padding 2", {"padding": 2}, f"{half}1", "<= (1, 1"
    smaller = "pad should be smaller than or equal to half of kernel size, but got "
    names = "padW = 2, padH = 2, kW = 2, kH = 2" if n == 2 else "kT: 2 kW: 2 kH: 2 padT: 2 padW: 2 padH: 2"
    yield 72, "padding 2, dilated", {"padding": 2, "dilation": 3}, smaller + names, "<= (1, 1"
    size = SIZE[:n]
    for name, changes, extent in (("kernel 20", {"kernel_size": 20}, 20), ("dilation 19", {"dilation": 19}, 20)):
        given = "x".join(map(str, (4, *size)))
        result = "x".join(map(str, (4, *((i - extent) // 2 + 1 for i in size))))
        words = f"Given input size: ({given}). Calculated output size: ({result}). Output size is too small"
        yield 75, name, changes, words, "i + 2*pad >= d*(k-1) + 1"


def _counts(n: int) -> Entries:
    tuples = f"a tuple of {COUNT[n]} ints"
    for number, key, words in (
        (81, "kernel_size", "must either be a single int, or"),
        (82, "stride", "must either be omitted, a single int, or"),
        (83, "padding", "must either be a single int, or"),
        (83, "dilation", "must be either a single int, or"),
    ):
        long = (1,) * (n + 1)
        yield number, f"{n + 1} numbers of {key}", {key: long}, f"max_pool{n}d: {key} {words} {tuples}", f"{key}={long}"
    yield 81, "no numbers of kernel_size", {"kernel_size": ()}, f"max_pool{n}d: kernel_size must either be", "()"


def _sizes(n: int) -> Entries:
    size = SIZE[:n]
    few, many, channels, positions = size, (1, 2, 4, *size), (2, 0, *size), (2, 4, 0, *size[1:])
    if n == 1:
        words = "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:"
        for number, name, shape in (
            (77, "an axis too few", few),
            (77, "an axis too many", many),
            (79, "no channels", channels),
            (79, "no positions", positions),
        ):
            yield number, name, {"input": numbers(*shape)}, words + str(list(shape)), "only the batch"
        return
    number = 77 if n == 2 else 87
    rank = f"non-empty {n + 1}D or {n + 2}D (batch mode) tensor expected for input"
    yield number, "an axis too few", {"input": numbers(*few)}, rank, str(list(few))
    yield number, "an axis too many", {"input": numbers(*many)}, rank, str(list(many))
    yield number, "no axes", {"input": numbers()}, rank, "[]"
    for name, shape in (("no channels", channels), ("no positions", positions)):
        image = "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:"
        volume = (
            "max_pool3d_with_indices_out_cpu_template(): Expected input's non-batch dimensions to have positive len"
        )
        words = image + str(list(shape)) if n == 2 else f"{volume}gth, but input has a shape of {list(shape)}"
        yield 78 if n == 2 else 80, name, {"input": numbers(*shape)}, words, "only the batch"


def _numbers(n: int) -> Entries:
    ints = f"max_pool{n}d(): argument '{{}}' (position {{}}) must be tuple of ints, not {{}}"
    for place, key in enumerate(("kernel_size", "stride", "padding", "dilation"), 2):
        for value in ("3", 2.5, True, *(() if key == "stride" else (None,))):
            words = ints.format(key, place, type(value).__name__)
            yield 84, f"{key}={value!r}", {key: value}, words, "a tuple of ints, one per axis"
    one = f"max_pool{n}d(): argument 'kernel_size' (position 2) must be tuple of ints, but found element of type "
    yield 84, "a fraction in a tuple", {"kernel_size": (2.5,) * n}, f"{one}float at pos 0", "(2.5,"
    if n > 1:
        unpack = f"max_pool{n}d(): argument 'stride' failed to unpack the object at pos {n} with error \"type must be "
        last = (*(2,) * (n - 1), 2.5)
        yield 84, "a fraction behind an int", {"stride": last}, f'{unpack}tuple of ints,but got float"', str(last)
        wide = "value cannot be converted to type int without overflow"
        for key in ("kernel_size", "stride", "padding", "dilation"):
            yield 46, f"2**62 for {key}", {key: 2**62}, wide, "2147483647", {"dangerous": key == "kernel_size"}
    yield 46, "2**63", {"kernel_size": 2**63}, "Overflow when unpacking long long", "64 bits"
    mode = f"max_pool{n}d(): argument 'ceil_mode' (position 6) must be bool, not "
    for value in (1, None):
        yield 84, f"ceil_mode={value}", {"ceil_mode": value}, mode + type(value).__name__, "True"
    yield 82, "an empty stride", {"stride": ()}, ""
    unknown = f"max_pool{n}d() got an unexpected keyword argument 'stide'"
    yield 64, "unknown argument", {"stide": 2}, f"_{unknown}", {"ours": unknown}


def _types(n: int) -> Entries:
    x = right(n)["input"]
    kernel = f'"max_pool{n}d{"_impl" * (n == 1)}" not implemented for '
    fix = "return_indices=True" if n == 1 else "no order"
    for name, t in (("Bool", x.bool()), ("ComplexFloat", x + 0j)):
        yield 86, f"input of {t.dtype}", {"input": t}, f"{kernel}'{name}'", fix
    if n == 1:
        yield 86, "input of torch.int32", {"input": x.int()}, f"{kernel}'Int'", fix
    for dtype in (torch.int32, torch.uint8):
        if n > 1:
            yield 86, f"input of {dtype}", {"input": x.to(dtype)}, ""
    tensor = f"max_pool{n}d(): argument 'input' (position 1) must be Tensor, not "
    for value, kind in ((None, "NoneType"), (x.numpy(), "numpy.ndarray"), ([1.0], "list")):
        yield 48, f"{kind} for input", {"input": value}, tensor + kind, "torch.as_tensor"
    words = f"Could not run 'aten::max_pool{max(n, 2)}d_with_indices' with"
    yield 56, "sparse input", {"input": x.to_sparse()}, words, {"theirs": True}
