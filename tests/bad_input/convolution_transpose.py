"""Bad calls of conv_transpose1d, conv_transpose2d and conv_transpose3d, and of their layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.bad_input import convolution
from tests.bad_input.calls import Mistakes, Row, bad_calls, numbers
from tests.bad_input.convolution import KERNEL, SIZE


def right(ndim: int) -> dict[str, Any]:
    """Arguments of a transposed convolution that is all right."""
    return {**convolution.right(ndim), "weight": numbers(4, 6, *KERNEL[:ndim]), "output_padding": 0}


RIGHT = {f"conv_transpose{n}d": right(n) for n in (1, 2, 3)}


def rows() -> Iterator[Row]:
    """Every bad call."""
    families = (_output_padding, _tensors, _numbers, _not_of_their_type)
    for n in (1, 2, 3):
        yield from bad_calls(f"conv_transpose{n}d", right(n), *(mistakes(n) for mistakes in families))
        yield from _output_sizes(n)


def _output_padding(n: int) -> Mistakes:
    one = (0,) * (n - 1)
    yield 52, "output padding of the stride", {"output_padding": 1}, "max(stride, dilation) = (1,"
    yield 52, "output padding on one axis", {"output_padding": (*one, 2), "stride": 2}, "width: 2"
    yield 53, "negative output padding", {"output_padding": -1}, "=(-1,"
    yield 41, "output padding of another length", {"output_padding": (0,) * (n + 1)}, f"{n + 1} entries"


def _tensors(n: int) -> Mistakes:
    x, w, b = (right(n)[key] for key in ("input", "weight", "bias"))
    yield 20, "channels last", {"input": x.movedim(1, -1)}, "pass NHWC?"
    yield 38, "a matrix of weights", {"weight": numbers(4, 6)}, "[4, 6]"
    high = numbers(4, 6, *KERNEL[:n], 2)
    yield 39, "a kernel axis too many", {"weight": high}, str(list(high.shape))
    other = ((21, "input", x.double()), (21, "weight", w.double()), (22, "bias", b.long()), (23, "bias", b + 0j))
    for number, key, t in other:
        yield number, f"{key} of {t.dtype}", {key: t}, str(t.dtype)
    yield 49, "everything torch.bool", {"input": x.bool(), "weight": w.bool(), "bias": b.bool()}, ""


def _numbers(n: int) -> Mistakes:
    signs = (
        *((27, "stride", 0), (28, "stride", -1), (29, "padding", -1), (30, "dilation", -1)),
        *((31, "dilation", 0), (32, "groups", 0), (33, "groups", -1)),
    )
    for number, key, value in signs:
        ours = "dilation should be greater than zero" if number == 31 else ""
        yield number, f"{key} {value}", {key: value}, f"{key}={value}", {"ours": ours, "dangerous": True}
    for number, key in ((40, "stride"), (41, "padding"), (42, "dilation")):
        value = (1,) * (n + 1)
        yield number, f"{key} of {n + 1}", {key: value}, f"{key}={list(value)}"
    for key in ("stride", "padding", "output_padding", "dilation", "groups"):
        yield 46, f"{key} 2**63", {key: 2**63}, str(2**63), {"dangerous": True}


def _not_of_their_type(n: int) -> Mistakes:
    for number, key in ((14, "stride"), (15, "padding"), (15, "output_padding"), (14, "dilation")):
        for value in (1.5, None, True, "same", {1}, ("2",) * n, np.array(1)):
            says = "'2'" if isinstance(value, tuple) else repr(value)
            yield number, f"{key} {value!r}", {key: value}, says
    for value in (1.5, None, True, "1"):
        yield 14, f"groups {value!r}", {"groups": value}, repr(value)


def _output_sizes(n: int) -> Iterator[Row]:
    """What the layers' `output_size` cannot be."""
    x = numbers(2, 4, *SIZE[:n])
    length, ours = f"ConvTranspose{n}D: for {n + 2}D input, output_size must", f"must have {n} or {n + 2} elements"
    for number, what, size, words, says in (
        (54, "too small", (16,) * n, "requested an output size of …16", "but valid sizes range from"),
        (54, "too large", (99,) * n, "requested an output size of …99", "but valid sizes range from"),
        (55, "of another length", (17,) * (n + 1), length, f"{ours} (got {n + 1})"),
    ):

        def call(library: Any, size: Any = size) -> Any:
            return getattr(library.nn, f"ConvTranspose{n}d")(4, 6, 3, stride=2)(x, output_size=size)

        yield Row(number, f"ConvTranspose{n}d runs, an output size {what}", call, words, (says,))
