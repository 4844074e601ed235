"""Bad calls of conv_transpose1d, conv_transpose2d and conv_transpose3d, and of their layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from tests.bad_input.calls import Mistakes, Row, bad_calls, numbers
from tests.bad_input.convolution import right as right_convolution

_SIZE, _KERNEL = (8, 9, 7), (3, 2, 3)


def right(ndim: int) -> dict[str, Any]:
    """Arguments of a transposed convolution that is all right."""
    return {**right_convolution(ndim), "weight": numbers(4, 6, *_KERNEL[:ndim]), "output_padding": 0}


def rows(ndim: int) -> Iterator[Row]:
    """Every bad call in `ndim` dimensions."""
    for entries in (_output_padding, _tensors, _numbers, _not_of_their_type):
        yield from bad_calls(f"conv_transpose{ndim}d", right(ndim), entries(ndim))
    yield from _output_sizes(ndim)


def _output_padding(n: int) -> Mistakes:
    one = (0,) * (n - 1)
    yield 52, "output padding of the stride", {"output_padding": 1}, "max(stride, dilation) = (1,"
    yield 52, "output padding on one axis", {"output_padding": (*one, 2), "stride": 2}, "width: 2"
    yield 53, "negative output padding", {"output_padding": -1}, "=(-1,"
    yield 41, "output padding of another length", {"output_padding": (0,) * (n + 1)}, f"{n + 1} entries"


def _tensors(n: int) -> Mistakes:
    ok = right(n)
    x, w, b = ok["input"], ok["weight"], ok["bias"]
    size, kernel = _SIZE[:n], _KERNEL[:n]
    f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to conv_transpose{n}d, but got input of size: "
    yield 18, "an axis too few", {"input": numbers(*size)}, ""
    yield 19, "an axis too many", {"input": numbers(1, 2, 4, *size)}, ""
    given = f"Given transposed=1, weight of size {[4, 6, *kernel]}, expected "
    given + "input[…] to have 4 channels, but got {} channels instead"
    yield 20, "channels", {"input": numbers(2, 3, *size)}, ""
    yield 20, "channels last", {"input": x.movedim(1, -1)}, "pass NHWC?"
    given + "bias to be 1-dimensional with 6 elements, but got bias of size "
    yield 36, "a long bias", {"bias": numbers(7)}, ""
    yield 37, "a row for bias", {"bias": numbers(1, 6)}, ""
    yield 38, "a matrix of weights", {"weight": numbers(4, 6)}, "[4, 6]"
    high = numbers(4, 6, *kernel, 2)
    f"expected stride to be a single integer value or a list of {n + 1} values" if n > 1 else "Expected 4-dim"
    yield 39, "a kernel axis too many", {"weight": high}, str(list(high.shape))
    yield 21, "input of torch.float64", {"input": x.double()}, "torch.float64"
    yield 21, "weight of torch.float64", {"weight": w.double()}, "torch.float64"
    yield 22, "bias of torch.int64", {"bias": b.long()}, "torch.int64"
    yield 23, "bias of torch.complex64", {"bias": b + 0j}, "torch.complex64"
    every = {key: ok[key].bool() for key in ("input", "weight", "bias")}
    yield 49, "everything torch.bool", every, ""
    yield 35, "groups do not divide the channels", {"groups": 3}, ""
    yield 34, "more groups than channels", {"groups": 5}, ""
    yield 45, "no positions", {"input": numbers(2, 4, *size[:-1], 0)}, ""


def _numbers(n: int) -> Mistakes:
    signs = (
        (27, "stride", 0, ""),
        (28, "stride", -1, ""),
        (29, "padding", -1, ""),
        (30, "dilation", -1, ""),
        (31, "dilation", 0, "dilation should be greater than zero"),
        (32, "groups", 0, ""),
        (33, "groups", -1, ""),
    )
    for number, key, value, ours in signs:
        yield number, f"{key} {value}", {key: value}, f"{key}={value}", {"ours": ours, "dangerous": True}
    for number, key in ((40, "stride"), (41, "padding"), (42, "dilation")):
        value = (1,) * (n + 1)
        yield number, f"{key} of {n + 1}", {key: value}, f"{key}={list(value)}"
    for key in ("stride", "padding", "output_padding", "dilation", "groups"):
        yield 46, f"{key} 2**63", {key: 2**63}, str(2**63), {"dangerous": True}


def _not_of_their_type(n: int) -> Mistakes:
    name, ok = f"conv_transpose{n}d()", right(n)
    for key in ("input", "weight", "bias"):
        for value in (1.0, "x", ok[key].numpy(), *((None,) if key != "bias" else ())):
            kind = "numpy.ndarray" if isinstance(value, np.ndarray) else type(value).__name__
            yield 47 if value is None else 48, f"{kind} for {key}", {key: value}, "torch.as_tensor"
    for number, key in ((14, "stride"), (15, "padding"), (15, "output_padding"), (14, "dilation")):
        for value in (1.5, None, True, "same", {1}, np.array(1)):
            f"{name}: argument '{key}' must be tuple of ints, not {type(value).__name__}"
            yield number, f"{key} {value!r}", {key: value}, repr(value)
        yield (
            number,
            f"{key} {('2',) * n!r}",
            {key: ("2",) * n},
            "'2'",
        )
        if key != "output_padding":
            for value in (np.int64(2), (np.int64(2),) * n, torch.tensor(2)):
                yield number, f"{key} {value!r}", {key: value}
    for value in (1.5, None, True, "1"):
        f"{name}: argument 'groups' must be int, not {type(value).__name__}"
        yield 14, f"groups {value!r}", {"groups": value}, repr(value)
    yield 64, "unknown argument", {"stide": 2}, ""


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
