"""Bad calls of avg_pool1d, avg_pool2d and avg_pool3d, and of lp_pool1d, lp_pool2d and lp_pool3d."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Any

from tests.bad_input.calls import Mistakes, Row, bad_calls, numbers
from tests.bad_input.max_pooling import SIZE, counts, empty_axes, kinds, ranks, signs, sparse

KEYS = ("kernel_size", "stride", "padding")


def right(ndim: int) -> dict[str, Any]:
    """Arguments of a call that is all right."""
    return {"input": numbers(2, 4, *SIZE[:ndim]), "kernel_size": 2, "stride": 2, "padding": 0}


def right_power(ndim: int) -> dict[str, Any]:
    """The same of power-average pooling."""
    return {"input": numbers(2, 4, *SIZE[:ndim]), "norm_type": 2.0, "kernel_size": 2, "stride": 2}


RIGHT = {
    **{f"avg_pool{n}d": right(n) for n in (1, 2, 3)},
    **{f"lp_pool{n}d": right_power(n) for n in (1, 2, 3)},
}


def rows() -> Iterator[Row]:
    """Every bad call."""
    for n in (1, 2, 3):
        shared = (counts(n, KEYS), empty_axes(n), ranks(n), kinds(n, KEYS), sparse(n))
        yield from bad_calls(f"avg_pool{n}d", right(n), _signs(n), *shared, _divisors(n), _types(n))
        few = (mistake for mistake in signs(n) if mistake[0] not in (71, 72, 75))
        yield from bad_calls(f"lp_pool{n}d", right_power(n), few, empty_axes(n), _powers(n))


def _signs(n: int) -> Mistakes:
    for number, name, changes, *says in signs(n):
        if n == 3 and number == 75:
            says = ["padding does not count"]
        yield 76 if n == 1 and number == 75 else number, name, changes, *says


def _divisors(n: int) -> Mistakes:
    if n == 1:
        return
    yield 85, "divisor 0", {"divisor_override": 0}, "each window's sum"
    for value in (0.5, "2", True, (2,)):
        yield 85, f"divisor {value!r}", {"divisor_override": value}, "an int"
    yield 46, "divisor 2**63", {"divisor_override": 2**63}, "64 bits"


def _types(n: int) -> Mistakes:
    x = right(n)["input"]
    yield 87 if n == 3 else 77, "no axes", {"input": numbers()}, f"{n} spatial axes"
    for key in ("ceil_mode", "count_include_pad"):
        for value in (1, None):
            yield 84, f"{key}={value}", {key: value}, "True or False"
    for t in (x.int(), x.bool(), x + 0j):
        yield 86, f"input of {t.dtype}", {"input": t}, "input.float()"


def _powers(n: int) -> Mistakes:
    yield 65, "norm_type 0", {"norm_type": 0}, "1/p"
    for value in ("a", None):
        yield 84, f"norm_type={value!r}", {"norm_type": value}, "must be a number"
    for norm in (2, inf):
        for made in (None, [1.0]):
            changes = {"input": made, "norm_type": norm}
            yield 48, f"{made} for input, norm_type={norm}", changes, "torch.as_tensor"
    for sizes in ((1,) * (n + 1), (), "3") if n > 1 else ():
        yield 81, f"kernel_size={sizes!r}", {"kernel_size": sizes}, f"an int or a tuple of {n}"
    yield 69, "kernel 0, largest", {"norm_type": inf, "kernel_size": 0}, ">= 1"
    yield 86, "complex numbers", {"input": right_power(n)["input"] + 0j}, "input.float()"
