"""Bad calls of conv1d, conv2d and conv3d."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from tests.bad_input.calls import Mistakes, Row, bad_calls, numbers

_SIZE, _KERNEL = (8, 9, 7), (3, 2, 3)

BIAS_TYPE, WEIGHT_TYPE = (f"Input type (…) and {key} type (…) should be the same" for key in ("bias", "weight"))


def right(ndim: int) -> dict[str, Any]:
    """Arguments of a convolution that is all right."""
    return {
        "input": numbers(2, 4, *_SIZE[:ndim]),
        "weight": numbers(6, 4, *_KERNEL[:ndim]),
        "bias": numbers(6),
        "stride": 1,
        "padding": 0,
        "dilation": 1,
        "groups": 1,
    }


def rows(ndim: int) -> Iterator[Row]:
    """Every bad call in `ndim` dimensions."""
    for entries in (_ranks_and_channels, _types, _sizes, _numbers, _words, _groups, _not_tensors, _not_numbers):
        yield from bad_calls(f"conv{ndim}d", right(ndim), entries(ndim))


def _ranks_and_channels(n: int) -> Mistakes:
    size, kernel, x = _SIZE[:n], _KERNEL[:n], right(n)["input"]
    f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to conv{n}d, but got input of size: "
    yield 18, "an axis too few", {"input": numbers(*size)}, ""
    yield 18, "no axes", {"input": numbers()}, ""
    yield 19, "an axis too many", {"input": numbers(1, 2, 4, *size)}, ""
    given = f"Given groups={{}}, weight of size {[6, 4, *kernel]}, expected input"
    _one, _three = given.format(1), given.format(3)
    needs = "weight.shape[1]*groups = 4*1 = 4"
    yield 20, "channels", {"input": numbers(2, 3, *size)}, needs
    yield 20, "channels, no batch", {"input": numbers(3, *size)}, needs
    yield 20, "no channels", {"input": numbers(2, 0, *size)}, needs
    yield 20, "channels last", {"input": x.movedim(1, -1)}, "pass NHWC?"
    yield 20, "groups times channels", {"groups": 3}, "4*3 = 12"
    yield 36, "a long bias", {"bias": numbers(7)}, ""
    yield 36, "a bias of one", {"bias": numbers(1)}, ""
    yield 36, "an empty bias", {"bias": numbers(0)}, ""
    yield 37, "a row for bias", {"bias": numbers(1, 6)}, ""
    yield 37, "a number for bias", {"bias": numbers()}, ""
    yield 38, "a matrix of weights", {"weight": numbers(6, 4)}, "weight of size [6, 4]"
    yield 38, "a row of weights", {"weight": numbers(6)}, "weight of size [6]"
    yield 38, "one weight", {"weight": numbers()}, "weight of size []"
    low, high = numbers(6, 4, *kernel[:-1]), numbers(6, 4, *kernel, 2)
    stride = "expected stride to be a single integer value or a list of {} values to match the convolution dimensions"
    if n > 1:
        yield 39, "a kernel axis too few", {"weight": low}, str(list(low.shape))
    stride.format(n + 1) if n > 1 else "Expected 4-dimensional input for 4-dimensional weight"
    yield 13, "a kernel axis too many", {"weight": high}, str(list(high.shape))


def _types(n: int) -> Mistakes:
    ok = right(n)
    x, w, b = ok["input"], ok["weight"], ok["bias"]
    mixed = (
        (21, {"input": x.double()}),
        (21, {"input": x.half()}),
        (21, {"input": x + 0j}),
        (21, {"weight": w.double()}),
        (21, {"weight": w.bfloat16()}),
        (21, {"weight": w + 0j}),
        (22, {"input": x.long()}),
        (22, {"input": x.long(), "weight": w.long()}),
        (22, {"bias": b.long()}),
        (22, {"bias": b.double()}),
        (23, {"bias": b + 0j}),
    )
    for number, changes in mixed:
        name = " and ".join(f"{key} of {t.dtype}" for key, t in changes.items())
        yield number, name, changes, "", *(str(t.dtype) for t in changes.values())
    both = {"input": x.double(), "bias": None}
    yield 21, "input of torch.float64, no bias", both, "torch.float32"
    for key in ("input", "weight", "bias"):
        elsewhere = {"ours": "Expected all tensors to be on the same device", "refused": "half of it would be lost"}
        yield 24, f"{key} on another device", {key: ok[key].to("meta")}, "on meta", "on cpu", elsewhere
    for key in ("input", "weight", "bias"):
        yield 56, f"sparse {key}", {key: ok[key].to_sparse()}, "", {"theirs": True}
    for dtype in (torch.bool, torch.uint16, torch.float8_e4m3fn):
        yield 49, f"everything {dtype}", {key: ok[key].to(dtype) for key in ("input", "weight", "bias")}, ""
    for dtype in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64):
        yield 49, f"everything {dtype}", {key: ok[key].to(dtype) for key in ("input", "weight", "bias")}


def _sizes(n: int) -> Mistakes:
    size, kernel = _SIZE[:n], _KERNEL[:n]
    _plain, _big = " x ".join(map(str, size)), " x ".join(["10"] * n)
    " x ".join(str(9 * (k - 1) + 1) for k in kernel)
    large, one = numbers(6, 4, *(10,) * n), numbers(6, 4, *kernel[:-1], 10)
    yield 25, "a kernel too large", {"weight": large}, "k=(10,"
    yield 25, "a kernel too large on one axis", {"weight": one}, "d=(1,"
    yield 26, "taps too far apart", {"dilation": 9}, "d=(9,", f"k=({kernel[0]},"
    empty = numbers(2, 4, *size[:-1], 0)
    yield 45, "no positions", {"input": empty}, "i=("
    yield 45, "no positions but padding", {"input": empty, "padding": 3}, ""
    alone = {"input": empty[0], "padding": 3}
    yield 45, "no positions but padding, no batch", alone, ""
    none = {"weight": numbers(0, 4, *kernel), "bias": None}
    yield 34, "no outputs", none, ""


def _numbers(n: int) -> Mistakes:
    one = (1,) * (n - 1)
    signs = (
        ("stride", (27, 0), (28, -1), "non-positive stride is not supported"),
        ("dilation", (31, 0), (30, -1), "dilation should be greater than zero"),
    )
    for key, (number_0, zero), (number_1, negative), words in signs:
        yield number_0, f"{key} 0", {key: zero}, f"{key}=0", {"ours": words, "dangerous": True}
        yield number_0, f"{key} 0 on one axis", {key: (*one, 0)}, "", {"ours": words, "dangerous": True}
        yield number_1, f"{key} -1", {key: negative}, f"{key}=-1", {"dangerous": True}
        yield number_1, f"{key} -1 on one axis", {key: (*one, -1)}, f"{key}={(*one, -1)}"
    yield 29, "padding -1", {"padding": -1}, "padding=-1"
    yield 29, "padding -1 on one axis", {"padding": (*one, -1)}, str((*one, -1))
    for number, key in ((40, "stride"), (41, "padding"), (42, "dilation")):
        words = (
            f"expected {key} to be a single integer value or a list of {n} values to match the convolution dimensions"
        )
        for value in ((), (1,) * (n + 1), (1,) * (n + 2)):
            yield (
                number,
                f"{key} of {len(value)}",
                {key: value},
                f"{len(value)} entries",
            )
    yield 46, "padding 2**62", {"padding": 2**62}, "", {"dangerous": True}
    for key in ("stride", "padding", "dilation", "groups"):
        for value in (2**63, -(2**63) - 1):
            yield (
                46,
                f"{key} {value}",
                {key: value},
                f"{key}={value}",
                {"dangerous": True},
            )
    for key in ("stride", "padding", "dilation"):
        words = f"conv{n}d(): argument '{key}' failed to unpack the object at pos {n}"
        value = (*one, 2**63)
        if n > 1:
            yield 46, f"{key} {value}", {key: value}, str(2**63), {"dangerous": True}
    yield 46, "stride 2**62", {"stride": 2**62}, {"dangerous": True}
    yield 46, "stride 2**63 - 1", {"stride": 2**63 - 1}, {"dangerous": True}


def _words(n: int) -> Mistakes:
    yield 43, "same padding at a stride", {"padding": "same", "stride": 2}, "(2,"
    last = (*(1,) * (n - 1), 2)
    yield 43, "same padding at a stride on one axis", {"padding": "same", "stride": last}, str(last)
    for word in ("foo", "SAME", "", "reflect", "2"):
        yield (
            44,
            f"padding {word!r}",
            {"padding": word},
            "'valid', 'same' or 'full'",
        )


def _groups(n: int) -> Mistakes:
    yield 32, "groups 0", {"groups": 0}, "got groups=0", {"dangerous": True}
    yield 33, "groups -1", {"groups": -1}, "got groups=-1", {"dangerous": True}
    yield 34, "more groups than outputs", {"groups": 7}, ""
    yield 35, "groups do not divide the outputs", {"groups": 4}, "6 mod 4 = 2"


def _not_tensors(n: int) -> Mistakes:
    ok = right(n)
    for key in ("input", "weight", "bias"):
        values = {"an array": ok[key].numpy(), "a list": ok[key].tolist(), "a float": 1.0, "a word": "x"}
        if key != "bias":
            values["None"] = None
        for name, value in values.items():
            number = 47 if value is None else 48
            kind = "numpy.ndarray" if name == "an array" else type(value).__name__
            yield number, f"{name} for {key}", {key: value}, f"{key}={kind}", "torch.as_tensor"
    unknown = f"conv{n}d() got an unexpected keyword argument 'stide'"
    yield 64, "unknown argument", {"stide": 2}, unknown, {"ours": unknown}


def _not_numbers(n: int) -> Mistakes:
    one = (1,) * (n - 1)
    for number, key in ((14, "stride"), (15, "padding"), (14, "dilation")):
        for value in (
            1.5,
            2.0,
            None,
            True,
            ("2",) * n,
            (1.5,) * n,
            (True,) * n,
            {1},
            np.ones(2, int),
            np.array(2),
            torch.tensor(1.5),
        ):
            yield number, f"{key} {value!r}", {key: value}, f"{key}={value!r} must be an int, or a tuple"
        for value in (1.5, "2", None) if n > 1 else ():
            says = f"{key}={(*one, value)!r} must be an int, or a tuple"
            yield number, f"{key} {(*one, value)!r}", {key: (*one, value)}, "", says
        for value in (np.int64(2), (np.int64(2),) * n, torch.tensor(2), (torch.tensor(2),) * n, torch.Size((2,) * n)):
            yield number, f"{key} {value!r}", {key: value}
    for value in (1.5, 2.0, "1", None, True, (1,)):
        yield 14, f"groups {value!r}", {"groups": value}, f"groups={value!r} must be an int"
    for value in (np.int64(2), np.array(2), torch.tensor(2), torch.tensor([2])):
        halves = {"weight": numbers(6, 2, *_KERNEL[:n]), "groups": value}
        yield 14, f"groups {value!r}", halves
