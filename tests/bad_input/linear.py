"""Bad calls of linear."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from tests.bad_input.calls import Mistakes, Row, bad_calls, numbers


def right() -> dict[str, Any]:
    """Arguments of a call that is all right."""
    return {"input": numbers(2, 4), "weight": numbers(3, 4), "bias": numbers(3)}


RIGHT = {"linear": right()}


def rows() -> Iterator[Row]:
    """Every bad call."""
    yield from bad_calls("linear", right(), _features(), _types(), _bias())


def _features() -> Mistakes:
    needs = "weight.shape[-1] = 4 in_features on its last axis, not 3"
    yield 107, "features", {"input": numbers(2, 3)}, needs
    yield 107, "features behind two axes", {"input": numbers(2, 5, 3)}, needs
    yield 107, "features, no bias", {"input": numbers(2, 3), "bias": None}, needs
    yield 108, "features of a vector", {"input": numbers(3)}, needs
    vector = {"weight": numbers(4), "bias": None}
    yield 108, "features of a weight of one axis", {"input": numbers(2, 3), **vector}, needs
    yield 108, "features of two vectors", {"input": numbers(3), **vector}, needs
    yield 109, "no axes", {"input": numbers()}, "(out_features, in_features)"
    yield 109, "no axes of the weight", {"weight": numbers()}, "(out_features, in_features)"
    yield 38, "three axes of weights", {"weight": numbers(1, 3, 4)}, "[1, 3"


def _types() -> Mistakes:
    x, w, b = right().values()
    for t in (x.double(), x.long(), x + 0j, x.half()):
        yield 110, f"input of {t.dtype}", {"input": t}, str(t.dtype)
    yield 110, "weight of torch.float16", {"weight": w.half()}, "float16"
    yield 110, "bias of torch.float64", {"bias": b.double()}, "float64"
    yield 110, "bias of torch.int64", {"bias": b.long()}, "int64"
    no_bias = {"input": x.double(), "bias": None}
    yield 110, "input of torch.float64, no bias", no_bias, "float64"
    device = "Expected all tensors to be on the same device, but got input is on "
    for key, t in (("input", x.to("meta")), ("bias", b.to("meta"))):
        yield 111, f"{key} on another device", {key: t}, "meta", "cpu", {"ours": device}
    unread = {"ours": device, "refused": "torch's result is memory that nothing was written to"}
    yield 111, "weight on another device", {"weight": w.to("meta")}, "meta", "cpu", unread
    yield 56, "sparse weight", {"weight": w.to_sparse()}, "", {"theirs": True}
    for dtype in (torch.bool, torch.uint16, torch.uint8, torch.int8, torch.int32, torch.int64):
        every = {"input": x.to(dtype), "weight": w.to(dtype), "bias": b.to(dtype)}
        yield 49, f"everything {dtype}", every, *(("",) if dtype in (torch.bool, torch.uint16) else ())


def _bias() -> Mistakes:
    yield 112, "a long bias", {"bias": numbers(4)}, "(3,)"
    yield 112, "an empty bias", {"bias": numbers(0)}, "(3,)"
    yield 112, "bias rows", {"bias": numbers(5, 3)}, "[5, 3]"
    yield 112, "bias with an axis too many", {"bias": numbers(1, 1, 3)}, "[1, 1, 3]"
    yield 112, "a bias for a weight of one axis", {"weight": numbers(4)}, "[3]"
    taken = {
        (2, 4): ((1,), (), (1, 3), (2, 1), (2, 3)),
        (2, 5, 4): ((3,), (5, 3), (2, 1, 3), (2, 5, 1)),
        (4,): ((1, 3),),
    }
    for size, shapes in taken.items():
        for shape in shapes:
            yield 112, f"a bias of {shape} for {size}", {"input": numbers(*size), "bias": numbers(*shape)}
    yield 112, "a scalar for a weight of one axis", {"input": numbers(2, 5, 4), "weight": numbers(4), "bias": numbers()}
