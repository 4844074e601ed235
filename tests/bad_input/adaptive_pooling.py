"""Bad calls of adaptive and fractional pooling: the size of the output is given."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from tests.bad_input.calls import Mistakes, Row, bad_calls, numbers
from tests.bad_input.max_pooling import EMPTY, SIZE, sparse


def right(ndim: int) -> dict[str, Any]:
    """Arguments of a call that is all right."""
    return {"input": numbers(2, 4, *SIZE[:ndim]), "output_size": 3}


def right_fractional(ndim: int) -> dict[str, Any]:
    """As `right`, with windows placed by given samples."""
    samples = numbers(2, 4, ndim).add(3) / 7
    return {**right(ndim), "kernel_size": 2, "output_ratio": None, "_random_samples": samples}


RIGHT = {
    **{f"adaptive_{kind}_pool{n}d": right(n) for kind in ("avg", "max") for n in (1, 2, 3)},
    **{f"fractional_max_pool{n}d": right_fractional(n) for n in (2, 3)},
}


def rows() -> Iterator[Row]:
    """Every bad call."""
    for n, kind in product((1, 2, 3), ("avg", "max")):
        mistakes = (_ranks(n, kind), _signs(n, kind), _numbers(n), _types(n, kind))
        yield from bad_calls(f"adaptive_{kind}_pool{n}d", right(n), *mistakes)
    for n in (2, 3):
        fractional = (_ratios(n), _windows(n), _samples(n), _fractional_types(n))
        yield from bad_calls(f"fractional_max_pool{n}d", right_fractional(n), *fractional)


def _ranks(n: int, kind: str) -> Mistakes:
    few, many = SIZE[:n], (1, 2, 4, *SIZE[:n])
    for what, shape in (("an axis too few", few), ("an axis too many", many), ("no axes", ())):
        yield 90, what, {"input": numbers(*shape)}, "(N, C,", str(list(shape))
    if n > 1:
        yield 90, "an axis for every size", {"input": numbers(*few), "output_size": (2,) * n}, f"names {n} axes"
    for what, shape in (("one axis", (3,)), ("no axes", ())) if n > 1 and kind == "avg" else ():
        changes = {"input": numbers(*shape), "output_size": 1}
        yield 90, f"{what} for a global mean", changes, str(list(shape))
    for what, shape in (("no channels", (2, 0, *SIZE[:n])), ("no positions", (2, 4, 0, *SIZE[1:n]))):
        if kind == "max" or n == 3 or what == "no positions":  # else torch takes it
            yield EMPTY[n], what, {"input": numbers(*shape)}, "only the batch may be empty"


def _signs(n: int, kind: str) -> Mistakes:
    number = 88 if kind == "avg" else 89
    for what, size in (("-1", (-1,) * n), ("-1 on the last axis", (*(3,) * (n - 1), -1))):
        yield number, f"output_size {what}", {"output_size": size}, f"output_size={size}"
    if n > 1 or kind == "max":
        huge, says = {"input": numbers(4, *SIZE[:n]), "output_size": 2**62}, f"{4 * 2 ** (62 * n)} numbers"
        yield 92, "2**62 without a batch", huge, says, {"dangerous": True, "ours": "Storage size"}
    yield 46, "2**63", {"output_size": 2**63}, "64 bits"
    for what, size in (("no sizes", ()), ("a size too many", (2,) * (n + 1)), ("a size too few", (2,) * (n - 1))):
        if n > 1 or size:
            yield 91, what, {"output_size": size}, str(size)
    if n == 1:
        yield 91, "no sizes", {"output_size": ()}, "()"
    else:
        yield 90, "more sizes than axes", {"output_size": (2,) * (n + 3)}, f"names {n + 3} axes"


def _numbers(n: int) -> Mistakes:
    for value in ("2", 2.5, None, True, (*(2,) * (n - 1), 2.5), *((np.array(2),) if n == 1 else ())):
        yield 84, f"output_size={value!r}", {"output_size": value}, str(value) if isinstance(value, tuple) else "int"


def _types(n: int, kind: str) -> Mistakes:
    x = right(n)["input"]
    for t in (x.long(), x.int(), x.bool(), x + 0j):
        yield 86, f"input of {t.dtype}", {"input": t}, "input.float()"
    if kind == "avg":
        yield 86, "a global mean of bits", {"input": x.bool(), "output_size": 1}, "input.float()"
    yield from sparse(n)


def _ratios(n: int) -> Mistakes:
    yield 91, "neither size nor ratio", {"output_size": None}, "both are None"
    ratios: dict[str, Any] = {"a ratio too few": (0.5,) * (n - 1)}
    if n == 2:
        ratios |= {"a ratio too many": (0.5,) * 3, "one ratio": 0.5}
    for what, ratio in ratios.items():
        yield 91, what, {"output_size": None, "output_ratio": ratio}, f"{n} numbers between 0 and 1", str(ratio)
    missing = {"output_size": None, "output_ratio": (0.5,) * n, "input": None}
    yield 48, "no input, a ratio", missing, "torch.as_tensor"


def _windows(n: int) -> Mistakes:
    for value in (0, -1):
        yield 69, f"kernel {value}", {"kernel_size": value}, "1 or more"
    for key, value in (("kernel_size", 20), ("output_size", 8), ("kernel_size", 2**62)):
        yield 75, f"{key} {value}", {key: value}, "output_size + kernel_size - 1"
    for key in ("kernel_size", "output_size"):
        for made in ((1,) * (n + 1), (1,) * (n - 1)):
            yield 81, f"{key}={made}", {key: made}, f"{key}={made}"
        for word in ("2", 2.5):
            yield 84, f"{key}={word!r}", {key: word}, "one per axis"
        yield 46, f"2**63 for {key}", {key: 2**63}, "64 bits"
    yield 89, "output -1", {"output_size": -1}, "(-1"


def _samples(n: int) -> Mistakes:
    u, x = right_fractional(n)["_random_samples"], right(n)["input"]
    for what, made in (
        ("in float64", u.double()),
        ("of two axes", u[0]),
        ("of one sample", u[:1]),
        ("of two channels", u[:, :2]),
        ("of one position", u[:, :, :1]),
    ):
        yield 99, f"samples {what}", {"_random_samples": made}, f"must be (N, C, {n})"
    yield 48, "a list of samples", {"_random_samples": [1]}, "torch.as_tensor"
    yield 90, "no channels to draw for", {"_random_samples": None, "input": x[0, 0]}, "channels"
    yield 86, "samples of torch.int32", {"_random_samples": None, "input": x.int()}, "input.float()"


def _fractional_types(n: int) -> Mistakes:
    for what, shape in (("few", SIZE[:n]), ("many", (1, 2, 4, *SIZE[:n]))):
        yield 90, f"an axis too {what}", {"input": numbers(*shape)}, f"{n} spatial axes"
    yield 78, "no positions", {"input": numbers(2, 4, 0, *SIZE[1:n])}, "only the batch may be empty"
    made = {key: right_fractional(n)[key].long() for key in ("input", "_random_samples")}
    yield 86, "input of torch.int64", made, "input.float()"
    yield from sparse(n)
    yield 48, "no input to draw for", {"input": None, "_random_samples": None}, "torch.as_tensor"
