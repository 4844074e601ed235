"""Bad calls of avg_pool1d to avg_pool3d and of lp_pool1d to lp_pool3d."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Any

from tests.bad_input.calls import Row, numbers, rows_of
from tests.bad_input.convolution import Entries
from tests.bad_input.max_pooling import COUNT, LETTERS, SIZE, per_axis

WIDE = "value cannot be converted to type int without overflow"


def right(ndim: int) -> dict[str, Any]:
    """Arguments of a call that is all right."""
    return {"input": numbers(2, 4, *SIZE[:ndim]), "kernel_size": 2, "stride": 2, "padding": 0}


def right_power(ndim: int) -> dict[str, Any]:
    """As `right`, of power averages."""
    return {"input": numbers(2, 4, *SIZE[:ndim]).abs(), "norm_type": 2, "kernel_size": 2, "stride": 2}


def rows(ndim: int) -> Iterator[Row]:
    """Every bad call in `ndim` dimensions."""
    for entries in (_signs, _counts, _sizes, _numbers, _types):
        yield from rows_of(f"avg_pool{ndim}d", right(ndim), entries(ndim))
    for entries in (_signs_of_powers, _powers):
        yield from rows_of(f"lp_pool{ndim}d", right_power(ndim), entries(ndim))


def _signs_of_powers(n: int) -> Entries:
    letters, one = (LETTERS[max(n, 2)], "1 " * (n == 1))
    kernel, stride = (f"{key} should be greater than zero, but got " for key in ("kernel size", "stride"))
    yield 65, "kernel 0", {"kernel_size": 0, "stride": None}, "stride should not be zero", "kernel_size=(0"
    yield 66, "stride 0", {"stride": 0}, "stride should not be zero", "stride=(0"
    for value in (0, -1):
        words = per_axis(letters, "k", value) if n > 1 else f"kH: {one}kW: {value}"
        yield 69, f"kernel {value} with a stride", {"kernel_size": value}, kernel + words, ">= 1"
    words = per_axis(letters, "d", -1) if n > 1 else f"dH: {one}dW: -1"
    yield 70, "stride -1", {"stride": -1}, stride + words, ">= 1"
    for name, shape in (("no channels", (2, 0, *SIZE[:n])), ("no positions", (2, 4, 0, *SIZE[1:n]))):
        shown = [*shape[:2], 1, *shape[2:]] if n == 1 else list(shape)
        image = f"Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:{shown}"
        volume = (
            f"avg_pool3d(): Expected input's non-batch dimensions to have positive length, but input has a shape of "
            f"{shown} and non-batch dimension "
        )
        yield {1: 79, 2: 78, 3: 80}[n], name, {"input": numbers(*shape)}, image if n < 3 else volume, "only the batch"


def _signs(n: int) -> Entries:
    yield from _signs_of_powers(n)
    yield 71, "padding -1", {"padding": -1}, "pad must be non-negative, but got pad: -1", "padding=(-1"
    half = "pad should be at most half of effective kernel size, but got pad=2, kernel_size=2 and dilation=1"
    yield 72, "padding 2", {"padding": 2}, half, "<= (1,"
    if n == 3:
        small = "input image (T: 8 H: 9 W: 7) smaller than kernel size (kT: 20 kH: 20 kW: 20)"
        yield 75, "kernel 20", {"kernel_size": 20}, small, "padding does not count"
    else:
        sizes = ("4x1x8", "4x1x-5") if n == 1 else ("4x8x9", "4x-5x-5")
        small = f"Given input size: ({sizes[0]}). Calculated output size: ({sizes[1]}). Output size is too small"
        yield 76 if n == 1 else 75, "kernel 20", {"kernel_size": 20}, small, "i + 2*pad >= d*(k-1) + 1"
    if n > 1:
        yield 85, "divisor 0", {"divisor_override": 0}, "divisor must be not zero", "each window's sum"
        must = f"avg_pool{n}d(): argument 'divisor_override' must be int, not "
        for value in (0.5, "2", True, (2,)):
            words = must + type(value).__name__
            yield 85, f"divisor {value!r}", {"divisor_override": value}, words, "an int"
        yield 46, "divisor 2**63", {"divisor_override": 2**63}, "Overflow when unpacking long long", "64 bits"
        yield 85, "divisor -3", {"divisor_override": -3}, ""


def _counts(n: int) -> Entries:
    for number, key in ((81, "kernel_size"), (82, "stride"), (83, "padding")):
        long = (1,) * (n + 1)
        if n == 1:
            words = f"avg_pool1d() argument '{key}' should contain one int (got 2)"
        else:
            omitted = "omitted, " * (key == "stride")
            must = f"must either be {omitted}" if n == 2 else f"must be {omitted}"
            words = f"avg_pool{n}d: {key} {must}a single int, or a tuple of {COUNT[n]} ints"
        yield number, f"{n + 1} numbers of {key}", {key: long}, words, f"{key}={long}"
        empty = words.replace("(got 2)", "(got 0)")
        if key != "stride":
            yield number, f"no numbers of {key}", {key: ()}, empty, f"{key}=()"
    yield 82, "an empty stride", {"stride": ()}, ""


def _sizes(n: int) -> Entries:
    few, many = SIZE[:n], (1, 2, 4, *SIZE[:n])
    hint = f"{n} spatial axes"
    for name, shape in (("an axis too few", few), ("an axis too many", many), ("no axes", ())):
        if n == 1:
            counted = f"Expected 2 to 3 dimensions, but got {len(shape)}-dimensional tensor for argument #1 'self'"
            words = f"{counted} (while checking arguments for avg_pool1d)"
        elif n == 3:
            words = "non-empty 4D or 5D (batch mode) tensor expected for input"
        elif shape == many:
            words = (
                "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:[1, 2, 4, 8"
            )
        elif shape:
            words = "Dimension out of range (expected to be in range of [-2, 1], but got -3)"
        else:
            words = "Dimension specified as -3 but tensor has no dimensions"
        yield 87 if n == 3 else 77, name, {"input": numbers(*shape)}, words, hint


def _numbers(n: int) -> Entries:
    must = f"avg_pool{n}d(): argument '{{}}' must be tuple of ints, not {{}}"
    for key in ("kernel_size", "stride", "padding"):
        for value in ("3", 2.5, True, *(() if key == "stride" else (None,))):
            kind = type(value).__name__
            yield 84, f"{key}={value!r}", {key: value}, must.format(key, kind), "one per axis"
        if key != "kernel_size":
            yield 46, f"{key}=2**62", {key: 2**62}, WIDE, "2147483647"
    yield 46, "kernel_size=2**62", {"kernel_size": 2**62}, WIDE, "2147483647", {"dangerous": True}
    yield 46, "2**63", {"kernel_size": 2**63}, "Overflow when unpacking long long", "64 bits"
    unpack = f"avg_pool{n}d(): argument 'stride' failed to unpack the object at pos 1 with error \"Overflow when unpack"
    yield 46, "2**63 in a tuple", {"stride": (2**63,)}, unpack, "64 bits"
    fractions = must.format("kernel_size", "tuple")
    yield 84, "a fraction in a tuple", {"kernel_size": (2.5,) * n}, fractions, "(2.5,"
    if n > 1:
        last = (*(2,) * (n - 1), 2.5)
        words = (
            f"avg_pool{n}d(): argument 'stride' failed to unpack the object at pos {n} with error \"type must be tup"
        )
        yield 84, "a fraction behind an int", {"stride": last}, words, str(last)
    for key in ("ceil_mode", "count_include_pad"):
        for value in (1, None):
            words = f"avg_pool{n}d(): argument '{key}' must be bool, not {type(value).__name__}"
            yield 84, f"{key}={value}", {key: value}, words, "True"
    yield 64, "unknown argument", {"stide": 2}, f"avg_pool{n}d() got an unexpected keyword argument 'stide'"


def _types(n: int) -> Entries:
    x = right(n)["input"]
    kernel = '"avg_pool3d_out_frame"' if n == 3 else '"avg_pool2d"'
    for name, t in (("Int", x.int()), ("Bool", x.bool()), ("ComplexFloat", x + 0j)):
        yield 86, f"input of {t.dtype}", {"input": t}, f"{kernel} not implemented for '{name}'", "input.float()"
    yield 86, "input of torch.int64", {"input": x.long()}, ""
    for value, kind in ((None, "NoneType"), (x.numpy(), "numpy.ndarray"), ([1.0], "list")):
        words = f"avg_pool{n}d(): argument 'input' must be Tensor, not {kind}"
        yield 48, f"{kind} for input", {"input": value}, words, "torch.as_tensor"
    yield (
        56,
        "sparse input",
        {"input": x.to_sparse()},
        f"Could not run 'aten::avg_pool{max(n, 2)}d' with",
        {"theirs": True},
    )


def _powers(n: int) -> Entries:
    x = right_power(n)["input"]
    zero = "norm_type must be a non-zero value, but got 0"
    yield 65, "norm_type 0", {"norm_type": 0}, zero, "1/p"
    for value in ("a", None):
        words = f"pow() received an invalid combination of arguments - got ({type(value).__name__}), but"
        yield 84, f"norm_type={value!r}", {"norm_type": value}, words, "must be a number"
    for norm, method in ((2, "pow"), (inf, "abs")):
        for made in (None, [1.0]):
            missing = f"'{type(made).__name__}' object has no attribute '{method}'"
            name = f"{made} for input, norm_type={norm}"
            yield 48, name, {"input": made, "norm_type": norm}, missing, "torch.as_tensor"
    for made, words in (
        ((1,) * (n + 1), f"too many values to unpack (expected {n})"),
        ((), f"not enough values to unpack (expected {n}, got 0)"),
        ("3", f"not enough values to unpack (expected {n}, got 1)"),
    ):
        if n > 1:
            yield 81, f"kernel_size={made!r}", {"kernel_size": made}, words, f"an int or a tuple of {n}"
    largest = "max_pool1d() kernel_size must be greater than zero, but got 0"
    norm = {"norm_type": inf, "kernel_size": 0}
    yield 69, "kernel 0, largest", norm, largest if n == 1 else "kernel size should be greater than zero", "1"
    kernel = '"avg_pool3d_out_frame"' if n == 3 else '"avg_pool2d"'
    yield 86, "complex numbers", {"input": x + 0j}, f"{kernel} not implemented for 'ComplexFloat'", "input.float()"
