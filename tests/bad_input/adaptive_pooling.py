"""Bad calls of adaptive and fractional pooling: the size of the output is given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from tests.bad_input.calls import Row, numbers, rows_of
from tests.bad_input.convolution import Entries
from tests.bad_input.max_pooling import SIZE


def right(ndim: int) -> dict[str, Any]:
    """Arguments of a call that is all right."""
    return {"input": numbers(2, 4, *SIZE[:ndim]), "output_size": 3}


def right_fractional(ndim: int) -> dict[str, Any]:
    """As `right`, with windows placed by given samples."""
    samples = (torch.arange(8.0 * ndim) / (8 * ndim)).reshape(2, 4, ndim)
    return {**right(ndim), "kernel_size": 2, "output_ratio": None, "_random_samples": samples}


def rows(ndim: int) -> Iterator[Row]:
    """Every bad call in `ndim` dimensions."""
    for kind in ("avg", "max"):
        for entries in (_ranks, _empty, _signs, _counts, _numbers, _types):
            yield from rows_of(f"adaptive_{kind}_pool{ndim}d", right(ndim), entries(ndim, kind))
    if ndim > 1:
        for fractional in (_ratios, _windows, _samples, _fractional_types):
            yield from rows_of(f"fractional_max_pool{ndim}d", right_fractional(ndim), fractional(ndim))


def _ranks(n: int, kind: str) -> Entries:
    name = f"adaptive_{kind}_pool{n}d"
    few, many = SIZE[:n], (1, 2, 4, *SIZE[:n])
    for what, shape in (("an axis too few", few), ("an axis too many", many), ("no axes", ())):
        counted = f"Expected 2 to 3 dimensions, but got {len(shape)}-dimensional tensor for argument #1 'self' (while"
        got = "but got:" if kind == "max" else "but got"
        ranks = f"{name}(): Expected {n + 1}D or {n + 2}D tensor, {got} {list(shape)}"
        yield 90, what, {"input": numbers(*shape)}, counted if n == 1 else ranks, "(N, C,"
    if n > 1:
        axes = {"input": numbers(*few), "output_size": (2,) * n}
        hint = f"names {n} axes"
        yield 90, "an axis for every size", axes, f"Input dimension should be at least {n + 1}", hint
    if n > 1 and kind == "avg":
        words = "Dimension out of range (expected to be in range of [-1, 0], but got -2)"
        yield 90, "one axis for a global mean", {"input": numbers(3), "output_size": 1}, words, "[3]"
        yield 90, "no axes for a global mean", {"input": numbers(), "output_size": 1}, words, "[]"


def _empty(n: int, kind: str) -> Entries:
    called = "adaptive_avg_pool2d" if kind == "avg" and n == 1 else f"adaptive_{kind}_pool{n}d"
    words = f"{called}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
    for what, shape, axis in (("no channels", (2, 0, *SIZE[:n]), 1), ("no positions", (2, 4, 0, *SIZE[1:n]), 2)):
        number = {1: 79, 2: 78, 3: 80}[n]
        if kind == "avg" and n < 3 and axis == 1:
            yield number, what, {"input": numbers(*shape)}, ""
            continue
        row = kind == "avg" and n == 1
        seen = [*shape[:-1], 1, shape[-1]] if row else list(shape)
        empty = f"{words}{seen} with dimension {axis + row} being empty"
        yield number, what, {"input": numbers(*shape)}, empty, "no positions"


def _signs(n: int, kind: str) -> Entries:
    number = 88 if kind == "avg" else 89
    for what, size in (("-1", (-1,) * n), ("-1 on the last axis", (*(3,) * (n - 1), -1))):
        shown = ", ".join(map(str, (1, *size) if n == 1 else size))
        words = (
            f"adaptive_avg_pool{max(n, 2)}d: elements of output_size must be greater than or equal to 0 but received "
            f"{{{shown[: -4 if n == 3 else None]}"
            if kind == "avg"
            else f"Trying to create tensor with negative dimension -1: [2, 4, {shown}]"
        )
        yield number, f"output_size {what}", {"output_size": size}, words, f"output_size={size}"
    yield number, "output_size 0", {"output_size": 0}, ""
    where = {"input": numbers(4, *SIZE[:n])}
    if n == 1 and kind == "max":
        words = "Storage size calculation overflowed with sizes=[4, 1, 4611686018427387904]"
        huge = {**where, "output_size": 2**62}
        yield 92, "2**62 without a batch", huge, words, "18446744073709551616 numbers", {"dangerous": True}
    over = "numel: integer multiplication overflow"
    if n > 1:
        changes = {**where, "output_size": 2**62}
        words = over if kind == "avg" else "…overflow"
        yield 92, "2**62 without a batch", changes, words, "numbers", {"dangerous": True}
    yield 46, "2**63", {"output_size": 2**63}, "Overflow when unpacking long long", "64 bits"


def _counts(n: int, kind: str) -> Entries:
    name = f"adaptive_{kind}_pool{n}d"
    for what, size in (("no sizes", ()), ("a size too many", (2,) * (n + 1)), ("a size too few", (2,) * (n - 1))):
        if n == 1:
            words = f"{name}() argument 'output_size' should contain one int (got {len(size)})"
        elif kind == "avg":
            words = f"{name}: output_size must be {n}"
        else:
            words = f"{name}(): internal error: output_size.size() must be {n}"
        if n > 1 or what != "a size too few":
            yield 91, what, {"output_size": size}, words, str(size)
    if n > 1:
        words = f"Input dimension should be at least {n + 4}"
        yield 90, "more sizes than axes", {"output_size": (2,) * (n + 3)}, words, f"names {n + 3} axes"


def _numbers(n: int, kind: str) -> Entries:
    name = f"adaptive_{kind}_pool{n}d(): argument 'output_size'"
    ours = {"ours": f"{name} (position 2) must be tuple of ints, "}
    for value in ("2", 2.5, None, True):
        type_ = type(value).__name__
        if n == 1 or isinstance(value, bool):
            words, hint = f"{name}…must be tuple of ints, not {type_}", "one per axis"
        elif isinstance(value, str):
            words, hint = f"{name} (position 2) must be tuple of ints, but found element of type str at pos 0", "ints"
        else:
            words, hint = f"object of type '{type_}' has no len()", f"a tuple of {n}"
        yield 84, f"output_size={value!r}", {"output_size": value}, words, hint, *((ours,) if n == 1 else ())
    last = (*(2,) * (n - 1), 2.5)
    unpack = f'{name} failed to unpack the object at pos {n} with error "type must be tuple of ints,but got float'
    words = f"{name}…must be tuple of ints, " if n == 1 else unpack
    yield 84, "a fraction", {"output_size": last}, words, str(last), *((ours,) if n == 1 else ())
    unknown = f"adaptive_{kind}_pool{n}d() got an unexpected keyword argument 'stide'"
    yield 64, "unknown argument", {"stide": 2}, "_" * (kind == "max") + unknown, {"ours": unknown}


def _types(n: int, kind: str) -> Entries:
    x, name = right(n)["input"], f"adaptive_{kind}_pool{n}d"
    kernel = f'"adaptive_{kind}_pool{"3d_cpu" if n == 3 else "2d"}"'
    for called, t in (("Long", x.long()), ("Int", x.int()), ("Bool", x.bool()), ("ComplexFloat", x + 0j)):
        yield 86, f"input of {t.dtype}", {"input": t}, f"{kernel} not implemented for '{called}'", "input.float()"
    if kind == "avg":
        mean = "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got"
        yield 86, "a global mean of bits", {"input": x.bool(), "output_size": 1}, mean, "Bool", "input.float()"
    for value, type_ in ((None, "NoneType"), (x.numpy(), "numpy.ndarray"), ([1.0], "list")):
        if n == 1:
            words = f"{name}(): argument 'input'…must be Tensor, not {type_}"
        elif type_ == "numpy.ndarray":
            words = "'int' object is not callable"
        else:
            words = f"'{type_}' object has no attribute 'size'"
        pair = (3,) * n
        yield 48, f"{type_} for input", {"input": value, "output_size": pair}, words, "torch.as_tensor"
    yield 56, "sparse input", {"input": x.to_sparse()}, "Could not run 'aten::…adaptive_", {"theirs": True}


def _ratios(n: int) -> Entries:
    name = f"fractional_max_pool{n}d"
    both = f"{name} requires specifying either an output_size or an output_ratio"
    yield 91, "neither size nor ratio", {"output_size": None}, both, "both are None"
    short, long = (0.5,) * (n - 1), (0.5,) * (n + 1)
    ratio = {"output_size": None}
    yield 91, "a ratio too few", {**ratio, "output_ratio": short}, "tuple index out of range", f"{n} numbers"
    if n == 2:
        several = f"{name} requires output_ratio to either be a single Int or tuple of Ints."
        yield 91, "a ratio too many", {**ratio, "output_ratio": long}, several, "one number an axis"
        no_length = "object of type 'float' has no len()"
        yield 91, "one ratio", {**ratio, "output_ratio": 0.5}, no_length, "two numbers"
    missing = {"output_size": None, "output_ratio": (0.5,) * n, "input": None}
    yield 48, "no input, a ratio", missing, "'NoneType' object has no attribute 'size'", "torch.as_tensor"


def _windows(n: int) -> Entries:
    name = f"fractional_max_pool{n}d"
    for value in (0, -1):
        sizes = "x".join([str(value)] * n)
        words = f"{name}(): kernel size should be greater than zero, but got {sizes}"
        yield 69, f"kernel {value}", {"kernel_size": value}, words, "1 or more"
    called, axis = (name, "height") if n == 2 else (f"{name}_out", "time")
    pool = f"{called}(): pool {axis} {{}} too large relative to input {axis} 8"
    for what, changes, size in (
        ("kernel 20", {"kernel_size": 20}, 20),
        ("output 8", {"output_size": 8}, 2),
        ("kernel 2**62", {"kernel_size": 2**62}, 2**62),
    ):
        yield 75, what, changes, pool.format(size), "output_size + kernel_size - 1"
    count = "a single Int or tuple of Ints" if n == 2 else "a single Int or tuple of three Ints"
    for key in ("kernel_size", "output_size"):
        for made in ((1,) * (n + 1), (1,) * (n - 1)):
            yield 81, f"{key}={made}", {key: made}, f"{name}: {key} must either be {count}", str(made)
        place = 2 if key == "kernel_size" else 3
        must = f"{name}(): argument '{key}' (position {place}) must be tuple of ints, not "
        for value in ("2", 2.5):
            yield 84, f"{key}={value!r}", {key: value}, must + type(value).__name__, "one per axis"
        yield 46, f"2**63 for {key}", {key: 2**63}, "Overflow when unpacking long long", "64 bits"
    yield 89, "output -1", {"output_size": -1}, "Trying to create tensor with negative dimension -1: [2, 4, -1", "(-1"
    unknown = f"{name}() got an unexpected keyword argument 'stide'"
    yield 64, "unknown argument", {"stide": 2}, f"_{unknown}", {"ours": unknown}


def _samples(n: int) -> Entries:
    u = right_fractional(n)["_random_samples"]
    key = "_random_samples"
    for what, made, words in (
        ("in float64", u.double(), "Expect _random_samples to have the same dtype as input"),
        ("of two axes", u[0], "Expect _random_samples to have 3 dimensions, got 2"),
        ("of one sample", u[:1], "Expect _random_samples.size(0) no less then input batch size."),
        ("of two channels", u[:, :2], "Expect _random_samples.size(1) equals to input channel size."),
        ("of one position", u[:, :, :1], f"Expect _random_samples.size(2) equals to {n}; got 1."),
    ):
        yield 99, f"samples {what}", {key: made}, words, f"must be (N, C, {n})"
    tensor = f"fractional_max_pool{n}d(): argument 'random_samples' (position 4) must be Tensor, not list"
    yield 48, "a list of samples", {key: [1]}, tensor, "torch.as_tensor"
    x = right(n)["input"]
    few = f"Dimension out of range (expected to be in range of [-{n}, {n - 1}], but got {-n - 1})"
    yield 90, "no channels to draw for", {key: None, "input": x[0, 0]}, few, "no channels"
    whole = "\"check_uniform_bounds\" not implemented for 'Int'"
    yield 86, "samples of torch.int32", {key: None, "input": x.int()}, whole, "input.float()"


def _fractional_types(n: int) -> Entries:
    x, name = right(n)["input"], f"fractional_max_pool{n}d"
    called = name if n == 2 else f"{name}_out"
    for what, shape in (("few", SIZE[:n]), ("many", (1, 2, 4, *SIZE[:n]))):
        words = f"{called}(): Expected {n + 1}D or {n + 2}D tensor, but got: {list(shape)}"
        yield 90, f"an axis too {what}", {"input": numbers(*shape)}, words, f"{n} axes"
    words = f"{called}(): Expected input to have non-zero size for non-batch dimensions, but got[2, 4, 0, "
    yield 78, "no positions", {"input": numbers(2, 4, 0, *SIZE[1:n])}, words, "only the batch"
    u = right_fractional(n)["_random_samples"]
    made = {"input": x.long(), "_random_samples": u.long()}
    yield 86, "input of torch.int64", made, f"\"{name}_out_frame\" not implemented for 'Long'", "input.float()"
    tensor = f"{name}(): argument 'input' (position 1) must be Tensor, not "
    for value, kind in ((None, "NoneType"), (x.numpy(), "numpy.ndarray")):
        yield 48, f"{kind} for input", {"input": value}, tensor + kind, "torch.as_tensor"
    drawn = {"input": None, "_random_samples": None}
    yield 48, "no input to draw for", drawn, "'NoneType' object has no attribute 'dim'", "torch.as_tensor"
    yield 56, "sparse input", {"input": x.to_sparse()}, f"Could not run 'aten::{name}' with", {"theirs": True}
