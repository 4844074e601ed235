"""Bad calls of conv1d, conv2d and conv3d."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from tests.bad_input.calls import Row, numbers, rows_of

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
        yield from rows_of(f"conv{ndim}d", right(ndim), entries(ndim))


Entries = Iterator[tuple[Any, ...]]


def _ranks_and_channels(n: int) -> Entries:
    size, kernel, x = _SIZE[:n], _KERNEL[:n], right(n)["input"]
    rank = f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to conv{n}d, but got input of size: "
    yield 18, "an axis too few", {"input": numbers(*size)}, rank + str(list(size))
    yield 18, "no axes", {"input": numbers()}, rank + "[]"
    yield 19, "an axis too many", {"input": numbers(1, 2, 4, *size)}, rank + str([1, 2, 4, *size])
    given = f"Given groups={{}}, weight of size {[6, 4, *kernel]}, expected input"
    one, three = given.format(1), given.format(3)
    needs = "weight.shape[1]*groups = 4*1 = 4"
    yield 20, "channels", {"input": numbers(2, 3, *size)}, f"{one}{[2, 3, *size]} to have 4 channels, but got 3", needs
    yield 20, "channels, no batch", {"input": numbers(3, *size)}, f"{one}[…] to have 4 channels, but got 3", needs
    yield 20, "no channels", {"input": numbers(2, 0, *size)}, f"{one}[…] to have 4 channels, but got 0", needs
    yield 20, "channels last", {"input": x.movedim(1, -1)}, f"{one}[…] to have 4 channels, but got 8", "pass NHWC?"
    yield 20, "groups times channels", {"groups": 3}, f"{three}[…] to have 12 channels, but got 4", "4*3 = 12"
    bias = f"Given weight of size {[6, 4, *kernel]}, expected bias to be 1-dimensional with 6 elements, but got bias of"
    yield 36, "a long bias", {"bias": numbers(7)}, f"{bias} size [7] instead"
    yield 36, "a bias of one", {"bias": numbers(1)}, f"{bias} size [1] instead"
    yield 36, "an empty bias", {"bias": numbers(0)}, f"{bias} size [0] instead"
    yield 37, "a row for bias", {"bias": numbers(1, 6)}, f"{bias} size [1, 6] instead"
    yield 37, "a number for bias", {"bias": numbers()}, f"{bias} size [] instead"
    flat = "weight should have at least three dimensions"
    yield 38, "a matrix of weights", {"weight": numbers(6, 4)}, flat, "weight of size [6, 4]"
    yield 38, "a row of weights", {"weight": numbers(6)}, flat, "weight of size [6]"
    yield 38, "one weight", {"weight": numbers()}, flat, "weight of size []"
    low, high = numbers(6, 4, *kernel[:-1]), numbers(6, 4, *kernel, 2)
    stride = "expected stride to be a single integer value or a list of {} values to match the convolution dimensions"
    if n > 1:
        yield 39, "a kernel axis too few", {"weight": low}, stride.format(n - 1), str(list(low.shape))
    words = stride.format(n + 1) if n > 1 else "Expected 4-dimensional input for 4-dimensional weight"
    yield 13, "a kernel axis too many", {"weight": high}, words, str(list(high.shape))


def _types(n: int) -> Entries:
    ok = right(n)
    x, w, b = ok["input"], ok["weight"], ok["bias"]
    mixed = (
        (21, {"input": x.double()}, BIAS_TYPE),
        (21, {"input": x.half()}, BIAS_TYPE),
        (21, {"input": x + 0j}, BIAS_TYPE),
        (21, {"weight": w.double()}, WEIGHT_TYPE),
        (21, {"weight": w.bfloat16()}, WEIGHT_TYPE),
        (21, {"weight": w + 0j}, WEIGHT_TYPE),
        (22, {"input": x.long()}, BIAS_TYPE),
        (22, {"input": x.long(), "weight": w.long()}, BIAS_TYPE),
        (22, {"bias": b.long()}, BIAS_TYPE),
        (22, {"bias": b.double()}, BIAS_TYPE),
        (23, {"bias": b + 0j}, BIAS_TYPE),
    )
    for number, changes, words in mixed:
        name = " and ".join(f"{key} of {t.dtype}" for key, t in changes.items())
        yield number, name, changes, words, *(str(t.dtype) for t in changes.values())
    both = {"input": x.double(), "bias": None}
    yield 21, "input of torch.float64, no bias", both, "expected scalar type Double but found Float", "torch.float32"
    for key in ("input", "weight", "bias"):
        elsewhere = {"ours": "Expected all tensors to be on the same device", "refused": "half of it would be lost"}
        yield 24, f"{key} on another device", {key: ok[key].to("meta")}, "", "on meta", "on cpu", elsewhere
    for key in ("input", "weight", "bias"):
        pair = BIAS_TYPE if key == "bias" else WEIGHT_TYPE
        words = "unsupported memory format option Contiguous" if (n, key) == (1, "input") else pair
        yield 56, f"sparse {key}", {key: ok[key].to_sparse()}, words, {"theirs": True}
    kernel = "compute_columns3d" if n == 3 else "slow_conv2d_cpu"
    for dtype, name in ((torch.bool, "Bool"), (torch.uint16, "UInt16"), (torch.float8_e4m3fn, "Float8_e4m3fn")):
        words = f"\"{kernel}\" not implemented for '{name}'"
        yield 49, f"everything {dtype}", {key: ok[key].to(dtype) for key in ("input", "weight", "bias")}, words
    for dtype in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64):
        yield 49, f"everything {dtype}", {key: ok[key].to(dtype) for key in ("input", "weight", "bias")}, ""


def _sizes(n: int) -> Entries:
    size, kernel = _SIZE[:n], _KERNEL[:n]
    plain, big = " x ".join(map(str, size)), " x ".join(["10"] * n)
    padded = "Calculated padded input size per channel: ({}). Kernel size: ({}). Kernel size can't be greater than"
    d = " x ".join(str(9 * (k - 1) + 1) for k in kernel)
    large, one = numbers(6, 4, *(10,) * n), numbers(6, 4, *kernel[:-1], 10)
    yield 25, "a kernel too large", {"weight": large}, padded.format(plain, big), "k=(10,"
    yield 25, "a kernel too large on one axis", {"weight": one}, padded.format(plain, "…10"), "d=(1,"
    yield 26, "taps too far apart", {"dilation": 9}, padded.format(plain, d), "d=(9,", f"k=({kernel[0]},"
    empty = numbers(2, 4, *size[:-1], 0)
    yield 45, "no positions", {"input": empty}, padded.format("…0", "…"), "i=("
    only = "Only zero batch or zero channel inputs are supported, but got input shape: "
    yield 45, "no positions but padding", {"input": empty, "padding": 3}, only + "[2, 4, …0]"
    alone = {"input": empty[0], "padding": 3}
    yield 45, "no positions but padding, no batch", alone, only + "[1, 4, …0]"
    none = {"weight": numbers(0, 4, *kernel), "bias": None}
    yield (
        34,
        "no outputs",
        none,
        "Given groups=1, expected weight to be at least 1 at dimension 0, but got weight of size [0",
    )


def _numbers(n: int) -> Entries:
    one = (1,) * (n - 1)
    signs = (
        ("stride", (27, 0), (28, -1), "non-positive stride is not supported", ""),
        (
            "dilation",
            (31, 0),
            (30, -1),
            "dilation should be greater than zero",
            "non-positive dilation is not supported",
        ),
    )
    for key, (number_0, zero), (number_1, negative), words, at_zero in signs:
        yield number_0, f"{key} 0", {key: zero}, at_zero or words, f"{key}=0", {"ours": words, "dangerous": True}
        yield number_0, f"{key} 0 on one axis", {key: (*one, 0)}, at_zero or words, {"ours": words, "dangerous": True}
        yield number_1, f"{key} -1", {key: negative}, words, f"{key}=-1", {"dangerous": True}
        yield number_1, f"{key} -1 on one axis", {key: (*one, -1)}, words, f"{key}={(*one, -1)}"
    yield 29, "padding -1", {"padding": -1}, "negative padding is not supported", "padding=-1"
    yield 29, "padding -1 on one axis", {"padding": (*one, -1)}, "negative padding is not supported", str((*one, -1))
    for number, key in ((40, "stride"), (41, "padding"), (42, "dilation")):
        words = (
            f"expected {key} to be a single integer value or a list of {n} values to match the convolution dimensions"
        )
        for value in ((), (1,) * (n + 1), (1,) * (n + 2)):
            yield (
                number,
                f"{key} of {len(value)}",
                {key: value},
                f"{words}, but got {key}={list(value)}",
                f"{len(value)} entries",
            )
    most = "Given padding=4611686018427387904 at dimension 0 , expected padding to be at most 4611686018427387903"
    yield 46, "padding 2**62", {"padding": 2**62}, most, {"dangerous": True}
    for key in ("stride", "padding", "dilation", "groups"):
        for value in (2**63, -(2**63) - 1):
            yield (
                46,
                f"{key} {value}",
                {key: value},
                "Overflow when unpacking long long",
                f"{key}={value}",
                {"dangerous": True},
            )
    for key in ("stride", "padding", "dilation"):
        words = f"conv{n}d(): argument '{key}' failed to unpack the object at pos {n}"
        value = (*one, 2**63)
        if n > 1:
            yield 46, f"{key} {value}", {key: value}, words, str(2**63), {"dangerous": True}
    yield 46, "stride 2**62", {"stride": 2**62}, "", {"dangerous": True}
    yield 46, "stride 2**63 - 1", {"stride": 2**63 - 1}, "", {"dangerous": True}


def _words(n: int) -> Entries:
    strided = "padding='same' is not supported for strided convolutions"
    yield 43, "same padding at a stride", {"padding": "same", "stride": 2}, strided, "(2,"
    last = (*(1,) * (n - 1), 2)
    yield 43, "same padding at a stride on one axis", {"padding": "same", "stride": last}, strided, str(last)
    for word in ("foo", "SAME", "", "reflect", "2"):
        yield (
            44,
            f"padding {word!r}",
            {"padding": word},
            f"Invalid padding string: '{word}'",
            "'valid', 'same' or 'full'",
        )


def _groups(n: int) -> Entries:
    few = "Given groups=7, expected weight to be at least 7 at dimension 0, but got weight of size [6, "
    rest = "Given groups=4, expected weight to be divisible by 4 at dimension 0, but got weight of size "
    yield 32, "groups 0", {"groups": 0}, "non-positive groups is not supported", "got groups=0", {"dangerous": True}
    yield 33, "groups -1", {"groups": -1}, "non-positive groups is not supported", "got groups=-1", {"dangerous": True}
    yield 34, "more groups than outputs", {"groups": 7}, few
    yield 35, "groups do not divide the outputs", {"groups": 4}, rest, "6 mod 4 = 2"


def _not_tensors(n: int) -> Entries:
    ok = right(n)
    combination = f"conv{n}d() received an invalid combination of arguments - got ("
    for key in ("input", "weight", "bias"):
        values = {"an array": ok[key].numpy(), "a list": ok[key].tolist(), "a float": 1.0, "a word": "x"}
        if key != "bias":
            values["None"] = None
        for name, value in values.items():
            number = 47 if value is None else 48
            kind = "numpy.ndarray" if name == "an array" else type(value).__name__
            yield number, f"{name} for {key}", {key: value}, combination, f"{key}={kind}", f"{key} must be a Tensor"
    unknown = {"ours": f"conv{n}d() got an unexpected keyword argument 'stide'"}
    yield 64, "unknown argument", {"stide": 2}, combination, unknown


def _not_numbers(n: int) -> Entries:
    combination = f"conv{n}d() received an invalid combination of arguments - got ("
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
            torch.tensor(1.5),
        ):
            yield number, f"{key} {value!r}", {key: value}, combination, f"{key} must be an int or a tuple", repr(value)
        for value in (1.5, "2", None) if n > 1 else ():
            words = f"conv{n}d(): argument '{key}' failed to unpack the object at pos {n}"
            says = (f"{key} must be an int or a tuple", repr((*one, value)))
            yield number, f"{key} {(*one, value)!r}", {key: (*one, value)}, words, *says
        for value in (np.int64(2), (np.int64(2),) * n, torch.tensor(2), (torch.tensor(2),) * n, torch.Size((2,) * n)):
            yield number, f"{key} {value!r}", {key: value}, ""
    for value in (1.5, 2.0, "1", None, True, (1,)):
        yield 14, f"groups {value!r}", {"groups": value}, combination, "groups must be an int", repr(value)
    for value in (np.int64(2), torch.tensor(2)):
        halves = {"weight": numbers(6, 2, *_KERNEL[:n]), "groups": value}
        yield 14, f"groups {value!r}", halves, ""
