"""Bad calls of linear."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from tests.bad_input.calls import Row, numbers, rows_of
from tests.bad_input.convolution import Entries


def right() -> dict[str, Any]:
    """Arguments of a call that is all right."""
    return {"input": numbers(2, 4), "weight": numbers(3, 4), "bias": numbers(3)}


def rows() -> Iterator[Row]:
    """Every bad call."""
    for entries in (_features, _types, _bias, _not_tensors):
        yield from rows_of("linear", right(), entries())


def _features() -> Entries:
    product = "mat1 and mat2 shapes cannot be multiplied ({}x3 and 4x3)"
    needs = "weight.shape[-1] = 4 entries, not 3"
    yield 107, "features", {"input": numbers(2, 3)}, product.format(2), needs
    yield 107, "features behind two axes", {"input": numbers(2, 5, 3)}, product.format(10), needs
    yield 107, "features, no bias", {"input": numbers(2, 3), "bias": None}, product.format(2), needs
    yield 108, "features of a vector", {"input": numbers(3)}, product.format(1), needs
    mismatch = "size mismatch, got input ("
    vector = {"weight": numbers(4), "bias": None}
    yield 108, "features of a weight of one axis", {"input": numbers(2, 3), **vector}, mismatch, needs
    lengths = "inconsistent tensor size, expected tensor [3] and src [4] to have the same number of elements"
    yield 108, "features of two vectors", {"input": numbers(3), **vector}, lengths, needs
    few = "both arguments to linear need to be at least 1D, but they are {}D and {}D"
    yield 109, "no axes", {"input": numbers()}, few.format(0, 2), "(out_features, in_features)"
    yield 109, "no axes of the weight", {"weight": numbers()}, few.format(2, 0), "(out_features, in_features)"
    yield (
        38,
        "three axes of weights",
        {"weight": numbers(1, 3, 4)},
        "t() expects a tensor with <= 2 dimensions",
        "[1, 3",
    )


def _types() -> Entries:
    x, w, b = right().values()
    alike = "mat1 and mat2 must have the same dtype, but got "
    for name, t in (("Double", x.double()), ("Long", x.long()), ("ComplexFloat", x + 0j), ("Half", x.half())):
        yield 110, f"input of {t.dtype}", {"input": t}, f"{alike}{name} and Float", str(t.dtype)
    yield 110, "weight of torch.float16", {"weight": w.half()}, "self and mat2 must have the same dtype", "float16"
    yield 110, "bias of torch.float64", {"bias": b.double()}, "self and mat2 must have the same dtype", "float64"
    yield 110, "bias of torch.int64", {"bias": b.long()}, "self and mat2 must have the same dtype", "int64"
    no_bias = {"input": x.double(), "bias": None}
    yield 110, "input of torch.float64, no bias", no_bias, "expected m1 and m2 to have the same dtype", "float64"
    device = "Expected all tensors to be on the same device, but got input is on "
    for key, t, words in (
        ("input", x.to("meta"), "Tensor on device cpu is not on the expected device meta!"),
        ("bias", b.to("meta"), "Tensor on device meta is not on the expected device cpu!"),
    ):
        yield 111, f"{key} on another device", {key: t}, words, "meta", "cpu", {"ours": device}
    unread = {"ours": device, "refused": "torch's result is memory that nothing was written to"}
    yield 111, "weight on another device", {"weight": w.to("meta")}, "", "meta", "cpu", unread
    sparse = "addmm_sparse_dense: expected either 'mat1' to have sparse layout and 'mat2' to have strided layout"
    yield 56, "sparse weight", {"weight": w.to_sparse()}, sparse, {"theirs": True}
    for dtype, name in ((torch.bool, "Bool"), (torch.uint16, "UInt16")):
        every = {"input": x.to(dtype), "weight": w.to(dtype), "bias": b.to(dtype)}
        yield 49, f"everything {dtype}", every, f"\"addmm_impl_cpu_\" not implemented for '{name}'"
    for dtype in (torch.uint8, torch.int8, torch.int32, torch.int64):
        yield 49, f"everything {dtype}", {"input": x.to(dtype), "weight": w.to(dtype), "bias": b.to(dtype)}, ""


def _bias() -> Entries:
    expanded = "The expanded size of the tensor (3) must match the existing size ({})"
    yield 112, "a long bias", {"bias": numbers(4)}, expanded.format(4), "(3,)"
    yield 112, "an empty bias", {"bias": numbers(0)}, expanded.format(0), "(3,)"
    yield 112, "bias rows", {"bias": numbers(5, 3)}, "The expanded size of the tensor (2) must match", "[5, 3]"
    yield 112, "bias with an axis too many", {"bias": numbers(1, 1, 3)}, "expand(", "[1, 1, 3]"
    scalar = "mat2 must be a matrix, got 1-D tensor"
    yield 112, "a bias for a weight of one axis", {"weight": numbers(4)}, scalar, "[3]"
    for name, bias in (
        ("of one", numbers(1)),
        ("without axes", numbers()),
        ("of a row", numbers(1, 3)),
        ("of a column", numbers(2, 1)),
        ("of the result's size", numbers(2, 3)),
    ):
        yield 112, f"a bias {name}", {"bias": bias}, ""
    three = {"input": numbers(2, 5, 4)}
    for size in ((3,), (5, 3), (2, 1, 3), (2, 5, 1), (2, 5, 3)):
        yield 112, f"a bias of {size} for a result of (2, 5, 3)", {**three, "bias": numbers(*size)}, ""
    yield 112, "a row for a vector", {"input": numbers(4), "bias": numbers(1, 3)}, ""
    yield 112, "a scalar for a weight of one axis", {"weight": numbers(4), "bias": numbers(), **three}, ""


def _not_tensors() -> Entries:
    for key, t in right().items():
        for value in (1.0, "x", t.numpy(), t.tolist(), *((None,) if key != "bias" else ())):
            kind = "numpy.ndarray" if value is not None and type(value).__module__ == "numpy" else type(value).__name__
            words = f"linear(): argument '{key}' must be Tensor, not {kind}"
            yield 113, f"{kind} for {key}", {key: value}, words, "torch.as_tensor"
    yield 64, "unknown argument", {"biass": None}, "linear() got an unexpected keyword argument 'biass'"
