"""Bad calls of conv1d, conv2d and conv3d."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from tests.bad_input.calls import Mistakes, Row, bad_calls, numbers

SIZE, KERNEL = (8, 9, 7), (3, 2, 3)


def right(ndim: int) -> dict[str, Any]:
    """Arguments of a convolution that is all right."""
    return {
        "input": numbers(2, 4, *SIZE[:ndim]),
        "weight": numbers(6, 4, *KERNEL[:ndim]),
        "bias": numbers(6),
        "stride": 1,
        "padding": 0,
        "dilation": 1,
        "groups": 1,
    }


RIGHT = {f"conv{n}d": right(n) for n in (1, 2, 3)}


def rows() -> Iterator[Row]:
    """Every bad call."""
    families = (_ranks_and_channels, _types, _sizes, _numbers, _words, _groups, _not_numbers)
    for n in (1, 2, 3):
        yield from bad_calls(f"conv{n}d", right(n), *(mistakes(n) for mistakes in families))


def _ranks_and_channels(n: int) -> Mistakes:
    size, kernel, x = SIZE[:n], KERNEL[:n], right(n)["input"]
    yield 18, "an axis too few", {"input": numbers(*size)}, ""
    yield 19, "an axis too many", {"input": numbers(1, 2, 4, *size)}, ""
    needs = "weight.shape[1]*groups = 4*1 = 4"
    yield 20, "channels", {"input": numbers(2, 3, *size)}, needs
    yield 20, "channels, no batch", {"input": numbers(3, *size)}, needs
    yield 20, "no channels", {"input": numbers(2, 0, *size)}, needs
    yield 20, "channels last", {"input": x.movedim(1, -1)}, "pass NHWC?"
    yield 20, "groups times channels", {"groups": 3}, "4*3 = 12"
    yield 36, "a long bias", {"bias": numbers(7)}, ""
    yield 37, "a row for bias", {"bias": numbers(1, 6)}, ""
    for shape in ((6, 4), (6,), ()):
        yield 38, f"weights of {len(shape)} axes", {"weight": numbers(*shape)}, f"weight of size {list(shape)}"
    low, high = numbers(6, 4, *kernel[:-1]), numbers(6, 4, *kernel, 2)
    if n > 1:
        yield 39, "a kernel axis too few", {"weight": low}, str(list(low.shape))
    yield 13, "a kernel axis too many", {"weight": high}, str(list(high.shape))


def _types(n: int) -> Mistakes:
    ok = right(n)
    x, w, b = ok["input"], ok["weight"], ok["bias"]
    mixed = (
        *((21, {"input": t}) for t in (x.double(), x.half(), x + 0j)),
        *((21, {"weight": t}) for t in (w.double(), w.bfloat16(), w + 0j)),
        *((22, changes) for changes in ({"input": x.long()}, {"input": x.long(), "weight": w.long()})),
        *((22, {"bias": t}) for t in (b.long(), b.double())),
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
        yield 56, f"sparse {key}", {key: ok[key].to_sparse()}, "", {"theirs": True}
    for dtype in (torch.bool, torch.uint16, torch.float8_e4m3fn):
        yield 49, f"everything {dtype}", {key: ok[key].to(dtype) for key in ("input", "weight", "bias")}, ""
    for dtype in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64):
        yield 49, f"everything {dtype}", {key: ok[key].to(dtype) for key in ("input", "weight", "bias")}


def _sizes(n: int) -> Mistakes:
    size, kernel = SIZE[:n], KERNEL[:n]
    large, one = numbers(6, 4, *(10,) * n), numbers(6, 4, *kernel[:-1], 10)
    yield 25, "a kernel too large", {"weight": large}, "k=(10,"
    yield 25, "a kernel too large on one axis", {"weight": one}, "d=(1,"
    yield 26, "taps too far apart", {"dilation": 9}, "d=(9,", f"k=({kernel[0]},"
    empty = numbers(2, 4, *size[:-1], 0)
    yield 45, "no positions", {"input": empty}, "i=("
    for name, x in (("", empty), (", no batch", empty[0])):
        yield 45, f"no positions but padding{name}", {"input": x, "padding": 3}, ""


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
        for count in (0, n + 1, n + 2):
            yield number, f"{key} of {count}", {key: (1,) * count}, f"{count} entries"
    yield 46, "padding 2**62", {"padding": 2**62}, "", {"dangerous": True}
    for key in ("stride", "padding", "dilation", "groups"):
        for value in (2**63, -(2**63) - 1):
            yield 46, f"{key} {value}", {key: value}, f"{key}={value}", {"dangerous": True}
        if n > 1 and key != "groups":
            value = (*one, 2**63)
            yield 46, f"{key} {value}", {key: value}, str(2**63), {"dangerous": True}
    for value in (2**62, 2**63 - 1):
        yield 46, f"stride {value}", {"stride": value}, {"dangerous": True}


def _words(n: int) -> Mistakes:
    for stride in (2, (*(1,) * (n - 1), 2)):
        yield (
            43,
            f"same padding at a stride of {stride}",
            {"padding": "same", "stride": stride},
            "(2," if stride == 2 else str(stride),
        )
    for word in ("foo", "SAME", "", "reflect", "2"):
        yield 44, f"padding {word!r}", {"padding": word}, "'valid', 'same' or 'full'"


def _groups(n: int) -> Mistakes:
    for number, groups in ((32, 0), (33, -1)):
        yield number, f"groups {groups}", {"groups": groups}, f"got groups={groups}", {"dangerous": True}
    yield 34, "more groups than outputs", {"groups": 7}, ""
    yield 35, "groups do not divide the outputs", {"groups": 4}, "6 mod 4 = 2"


def _not_numbers(n: int) -> Mistakes:
    one, says = (1,) * (n - 1), "must be an int, or a tuple"
    wrong = (
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
    )
    behind = ((*one, value) for value in (1.5, "2", None)) if n > 1 else ()
    for value in (*wrong, *behind):
        for number, key in ((14, "stride"), (15, "padding"), (14, "dilation")):
            yield number, f"{key} {value!r}", {key: value}, f"{key}={value!r} {says}"
    for value in (1.5, 2.0, "1", None, True, (1,)):
        yield 14, f"groups {value!r}", {"groups": value}, f"groups={value!r} must be an int"
