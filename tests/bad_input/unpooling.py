"""Bad calls of max_unpool1d, max_unpool2d and max_unpool3d."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from tests.bad_input.calls import Mistakes, Row, bad_calls, numbers

#: Of what was pooled, in windows of 2.
SIZE = (8, 6, 4)


def right(ndim: int) -> dict[str, Any]:
    """Arguments of a call that is all right: each entry was the first of its window."""
    size = torch.Size(SIZE[:ndim])
    places = torch.arange(size.numel()).reshape(size)[(slice(None, None, 2),) * ndim]
    indices = places.expand(2, 4, *places.shape).contiguous()
    return {
        "input": numbers(*indices.shape),
        "indices": indices,
        "kernel_size": 2,
        "stride": 2,
        "padding": 0,
        "output_size": None,
    }


RIGHT = {f"max_unpool{n}d": right(n) for n in (1, 2, 3)}


def rows() -> Iterator[Row]:
    """Every bad call."""
    families = (_indices, _output_sizes, _ranks, _numbers, _types)
    for n in (1, 2, 3):
        yield from bad_calls(f"max_unpool{n}d", right(n), *(mistakes(n) for mistakes in families))


def _indices(n: int) -> Mistakes:
    i = right(n)["indices"]
    count = torch.Size(SIZE[:n]).numel()
    for value in (-1, count, 10**6, 2**40, -(2**40)):
        made = i.clone().fill_(0)
        made.view(-1)[-1] = value
        yield 93, f"index {value}", {"indices": made}, f"0 <= index < {count}", {"dangerous": True}
    yield 93, "stride 0", {"stride": 0}, "0 <= index < " if n < 3 else "1 or more"
    for dtype in (torch.int32, torch.float32):
        yield 93, f"indices of {dtype}", {"indices": i.to(dtype)}, "indices.long()"
    for what, made in (("of one sample", i[:1]), ("without a batch", i[0])):
        yield 93, f"indices {what}", {"indices": made}, "one index for every entry"


def _output_sizes(n: int) -> Mistakes:
    for count in (n + 1, n + 3, *((n - 1,) if n > 1 else ())):
        yield 94, f"{count} numbers", {"output_size": (8,) * count}, "output_size=(8,"
    for first in (10, 6, -1, 99):
        yield 94, f"a size of {first}", {"output_size": (first, *SIZE[1:n])}, "s*(p-1) + k - 2*pad = (8,"
    yield 94, "one number", {"output_size": 8}, f"{n} ints"
    yield 94, "no numbers", {"output_size": (None,) * n}, "ints"
    yield 94, "fractions", {"output_size": tuple(v + 0.5 for v in SIZE[:n])}, "ints"
    for key, value in (("kernel_size", -9), ("stride", -3), ("padding", 9)):
        yield 94, f"{key} {value}", {key: value}, "0 or more"


def _ranks(n: int) -> Mistakes:
    y, i = right(n)["input"], right(n)["indices"]
    for what, rank in (("an axis too few", (0, 0)), ("an axis too many", None)):
        yield 77, what, {"input": y[rank], "indices": i[rank]}, "(N, C, *I)"
    yield 77, "no axes", {"input": numbers(), "indices": torch.tensor(0)}, "[]"
    yield 78, "no channels", {"input": y[:, :0], "indices": i[:, :0]}, "only the batch"
    yield 78, "no positions", {"input": y[:, :, :0], "indices": i[:, :, :0], "stride": 1}, "only the batch"


def _numbers(n: int) -> Mistakes:
    for what, count in (("long", n + 1), ("short", n - 1)):
        yield 81, f"a kernel too {what}", {"kernel_size": (2,) * count}, f"{n} axes", "kernel_size"
    for key, value in (("kernel_size", "3"), ("kernel_size", None), ("padding", None), ("stride", "2")):
        yield 84, f"{key}={value!r}", {key: value}, "ints", f"{key}={value!r}"
    yield 84, "kernel_size=2.5", {"kernel_size": 2.5}, "kernel_size=2.5"
    yield 46, "kernel_size=2**63", {"kernel_size": 2**63}, "64 bits"
    if n > 1:
        yield 46, "kernel_size=2**40", {"kernel_size": 2**40}, "numbers", {"dangerous": True}
    empty = {"ours": "Found an invalid max index: ", "refused": "indices point outside of an empty output"}
    yield 65, "an output without positions", {"kernel_size": (-6, -4, -2)[:n]}, "pass the output_size", empty
    if n == 3:
        yield 70, "stride -1", {"stride": -1, "kernel_size": 9}, "1 or more"


def _types(n: int) -> Mistakes:
    y = right(n)["input"]
    for t in (y.bool(), y.int(), y.long(), y + 0j):
        yield 86, f"input of {t.dtype}", {"input": t}, "floating point"
    yield 24, "input on another device", {"input": y.to("meta")}, "both must be on one"
    yield 56, "sparse input", {"input": y.to_sparse()}, "", {"theirs": True}
