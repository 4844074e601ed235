"""Bad calls of conv_transpose1d, conv_transpose2d and conv_transpose3d, and of their layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from tests.bad_input.calls import Row, numbers, rows_of
from tests.bad_input.convolution import BIAS_TYPE, WEIGHT_TYPE, Entries
from tests.bad_input.convolution import right as right_convolution

_SIZE, _KERNEL = (8, 9, 7), (3, 2, 3)


def right(ndim: int) -> dict[str, Any]:
    """Arguments of a transposed convolution that is all right."""
    return {**right_convolution(ndim), "weight": numbers(4, 6, *_KERNEL[:ndim]), "output_padding": 0}


def rows(ndim: int) -> Iterator[Row]:
    """Every bad call in `ndim` dimensions."""
    for entries in (_output_padding, _tensors, _numbers, _not_of_their_type):
        yield from rows_of(f"conv_transpose{ndim}d", right(ndim), entries(ndim))
    yield from _output_sizes(ndim)


def _output_padding(n: int) -> Entries:
    smaller = "output padding must be smaller than either stride or dilation, but got output_padding_"
    one = (0,) * (n - 1)
    yield 52, "output padding of the stride", {"output_padding": 1}, smaller, "max(stride, dilation) = (1,"
    yield 52, "output padding on one axis", {"output_padding": (*one, 2), "stride": 2}, smaller, "width: 2"
    yield 53, "negative output padding", {"output_padding": -1}, "negative output_padding is not supported", "=(-1,"
    length = f"expected output_padding to be a single integer value or a list of {n} values"
    yield 41, "output padding of another length", {"output_padding": (0,) * (n + 1)}, length, f"{n + 1} entries"


def _tensors(n: int) -> Entries:
    ok = right(n)
    x, w, b = ok["input"], ok["weight"], ok["bias"]
    size, kernel = _SIZE[:n], _KERNEL[:n]
    rank = f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to conv_transpose{n}d, but got input of size: "
    yield 18, "an axis too few", {"input": numbers(*size)}, rank + str(list(size))
    yield 19, "an axis too many", {"input": numbers(1, 2, 4, *size)}, rank + str([1, 2, 4, *size])
    given = f"Given transposed=1, weight of size {[4, 6, *kernel]}, expected "
    channels = given + "input[…] to have 4 channels, but got {} channels instead"
    yield 20, "channels", {"input": numbers(2, 3, *size)}, channels.format(3)
    yield 20, "channels last", {"input": x.movedim(1, -1)}, channels.format(8), "pass NHWC?"
    bias = given + "bias to be 1-dimensional with 6 elements, but got bias of size "
    yield 36, "a long bias", {"bias": numbers(7)}, bias + "[7] instead"
    yield 37, "a row for bias", {"bias": numbers(1, 6)}, bias + "[1, 6] instead"
    yield 38, "a matrix of weights", {"weight": numbers(4, 6)}, "weight should have at least three dimensions", "[4, 6]"
    high = numbers(4, 6, *kernel, 2)
    words = f"expected stride to be a single integer value or a list of {n + 1} values" if n > 1 else "Expected 4-dim"
    yield 39, "a kernel axis too many", {"weight": high}, words, str(list(high.shape))
    found = "expected scalar type Double but found Float"
    yield 21, "input of torch.float64", {"input": x.double()}, found, "torch.float64"
    yield 21, "weight of torch.float64", {"weight": w.double()}, WEIGHT_TYPE, "torch.float64"
    yield 22, "bias of torch.int64", {"bias": b.long()}, BIAS_TYPE, "torch.int64"
    yield 23, "bias of torch.complex64", {"bias": b + 0j}, BIAS_TYPE, "torch.complex64"
    every = {key: ok[key].bool() for key in ("input", "weight", "bias")}
    yield 49, "everything torch.bool", every, f"\"slow_conv_transpose{max(n, 2)}d_out_cpu\" not implemented for 'Bool'"
    yield 35, "groups do not divide the channels", {"groups": 3}, "Given groups=3, expected weight to be divisible by 3"
    yield 34, "more groups than channels", {"groups": 5}, "Given groups=5, expected weight to be at least 5"
    only = "Only zero batch or zero channel inputs are supported, but got input shape: [2, 4, "
    yield 45, "no positions", {"input": numbers(2, 4, *size[:-1], 0)}, only


def _numbers(n: int) -> Entries:
    backend = "could not create a primitive descriptor for the deconvolution" if n < 3 else "dimensions are invalid"
    signs = (
        (27, "stride", 0, "non-positive stride is not supported", ""),
        (28, "stride", -1, "non-positive stride is not supported", ""),
        (29, "padding", -1, "negative padding is not supported", ""),
        (30, "dilation", -1, "dilation should be greater than zero", ""),
        (31, "dilation", 0, backend, "dilation should be greater than zero"),
        (32, "groups", 0, "non-positive groups is not supported", ""),
        (33, "groups", -1, "non-positive groups is not supported", ""),
    )
    for number, key, value, words, ours in signs:
        yield number, f"{key} {value}", {key: value}, words, f"{key}={value}", {"ours": ours, "dangerous": True}
    for number, key in ((40, "stride"), (41, "padding"), (42, "dilation")):
        words = (
            f"expected {key} to be a single integer value or a list of {n} values to match the convolution dimensions"
        )
        value = (1,) * (n + 1)
        yield number, f"{key} of {n + 1}", {key: value}, words, f"{key}={list(value)}"
    for key in ("stride", "padding", "output_padding", "dilation", "groups"):
        yield 46, f"{key} 2**63", {key: 2**63}, "Overflow when unpacking long long", str(2**63), {"dangerous": True}


def _not_of_their_type(n: int) -> Entries:
    name, ok = f"conv_transpose{n}d()", right(n)
    for key in ("input", "weight", "bias"):
        for value in (1.0, "x", ok[key].numpy(), *((None,) if key != "bias" else ())):
            words = f"{name}: argument '{key}' must be Tensor, not "
            kind = "numpy.ndarray" if isinstance(value, np.ndarray) else type(value).__name__
            yield 47 if value is None else 48, f"{kind} for {key}", {key: value}, words + kind, "torch.as_tensor"
    for number, key in ((14, "stride"), (15, "padding"), (15, "output_padding"), (14, "dilation")):
        for value in (1.5, None, True, "same", {1}):
            words = f"{name}: argument '{key}' must be tuple of ints, not {type(value).__name__}"
            yield number, f"{key} {value!r}", {key: value}, words, repr(value)
        yield (
            number,
            f"{key} {('2',) * n!r}",
            {key: ("2",) * n},
            f"{name}: argument '{key}' must be tuple of ints, ",
            "'2'",
        )
        if key != "output_padding":
            for value in (np.int64(2), (np.int64(2),) * n, torch.tensor(2)):
                yield number, f"{key} {value!r}", {key: value}, ""
    for value in (1.5, None, True, "1"):
        words = f"{name}: argument 'groups' must be int, not {type(value).__name__}"
        yield 14, f"groups {value!r}", {"groups": value}, words, repr(value)
    yield 64, "unknown argument", {"stide": 2}, f"{name} got an unexpected keyword argument 'stide'"


def _output_sizes(n: int) -> Iterator[Row]:
    """What the layers' `output_size` cannot be."""
    x = numbers(2, 4, *_SIZE[:n])
    for number, what, size, words in (
        (54, "an output too small", (16,) * n, "requested an output size of …16"),
        (54, "an output too large", (99,) * n, "requested an output size of …99"),
        (
            55,
            "an output size of another length",
            (17,) * (n + 1),
            f"ConvTranspose{n}D: for {n + 2}D input, output_size must",
        ),
    ):

        def call(library: Any, size: Any = size) -> Any:
            return getattr(library.nn, f"ConvTranspose{n}d")(4, 6, 3, stride=2)(x, output_size=size)

        says = (
            ("but valid sizes range from",) if number == 54 else (f"must have {n} or {n + 2} elements (got {n + 1})",)
        )
        yield Row(number, f"ConvTranspose{n}d runs, {what}", call, words, says)
