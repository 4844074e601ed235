"""Bad calls of dropout."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, nan
from typing import Any

import torch

from tests.bad_input.calls import Row, numbers, rows_of
from tests.bad_input.convolution import Entries

CHANNELS = ("dropout1d", "dropout2d", "dropout3d")
NAMES = ("dropout", *CHANNELS, "alpha_dropout", "feature_alpha_dropout")


def right(name: str) -> dict[str, Any]:
    """Arguments of a call that is all right, and draws nothing."""
    axes = (8, 9, 7)[: int(name[-2])] if name in CHANNELS else (8,)
    return {"input": numbers(2, 4, *axes), "p": 1.0, "training": True, "inplace": False}


def rows() -> Iterator[Row]:
    """Every bad call, of functions and of modules."""
    for name in NAMES:
        for entries in (_probabilities, _inputs, _flags):
            yield from rows_of(name, right(name), entries(name))
    for name in ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"):
        for p in (1.5, -0.1):
            words = f"dropout probability has to be between 0 and 1, but got {p}"
            yield Row(115, f"{name}({p})", lambda m, n=name, p=p: getattr(m.nn, n)(p), words, theirs=True)

        def no_number(library: Any, name: str = name) -> Any:
            dims = (8, 9, 7)[: int(name[-2])] if name.endswith("d") else (8,)
            return getattr(library.nn, name)(nan)(numbers(2, 4, *dims))

        words = "dropout probability has to be between 0 and 1, but got nan"
        yield Row(115, f"{name}(nan)", no_number, words, ("0 <= p <= 1",))


def _probabilities(name: str) -> Entries:
    between = "dropout probability has to be between 0 and 1, but got "
    for p in (1.5, -0.1, inf, -inf, 2):
        yield 115, f"p={p}", {"p": p}, f"{between}{p}", "0 <= p <= 1"
        yield 115, f"p={p}, in evaluation", {"p": p, "training": False}, f"{between}{p}", "0 <= p <= 1"
    yield 115, "p=nan", {"p": nan}, f"{between}nan", "0 <= p <= 1"
    yield 115, "p=nan, in evaluation", {"p": nan, "training": False}, f"{between}nan", "0 <= p <= 1"
    for p in ("a", None, (0.5,), 1j):
        words = f"'<' not supported between instances of '{type(p).__name__}' and 'float'"
        yield 115, f"p={p!r}", {"p": p}, words, "0 <= p <= 1"
    yield 115, "a tensor above 1", {"p": torch.tensor(1.5)}, f"{between}1.5", "0 <= p <= 1"
    for p in (True, torch.tensor(0.0)):
        yield 115, f"p={p}", {"p": p}, ""


def _inputs(name: str) -> Entries:
    x = right(name)["input"]
    for value, kind in ((None, "NoneType"), (x.numpy(), "numpy.ndarray"), ([1.0], "list")):
        words = f"{name}(): argument 'input' (position 1) must be Tensor, not {kind}"
        missing = f"'{kind}' object has no attribute 'dim'"
        yield 48, f"{kind} for input", {"input": value}, missing if name in CHANNELS else words, "torch.as_tensor"
    if name == "dropout1d":
        for shape in ((), (3,), (1, 1, 3, 2)):
            words = f"dropout1d: Expected 2D or 3D input, but received a {len(shape)}D input."
            yield 115, f"{len(shape)} axes", {"input": numbers(*shape)}, words, "(C, L)"
    if name in ("dropout2d", "feature_alpha_dropout"):
        two = "Feature dropout requires at least 2 dimensions in the input"
        yield 115, "one axis", {"input": numbers(3), "p": 0.5}, two, "(3,)"
    whole = "result type Float can't be cast to the desired output type Long"
    if name == "dropout":
        yield 115, "whole numbers", {"input": x.long(), "p": 0.5}, whole, ".float()"
    for dtype in (torch.int32, torch.bool):
        yield 115, f"everything dropped of {dtype}", {"input": x.to(dtype)}, ""


def _flags(name: str) -> Entries:
    called = "feature_dropout" if name in CHANNELS else name
    for value in (1, None, "a"):
        words = f"{called}(): argument 'train' (position 3) must be bool, not {type(value).__name__}"
        yield 115, f"training={value!r}", {"training": value}, words, "True"
    leaf = "a leaf Variable that requires grad is being used in an in-place operation."
    wanted = right(name)["input"].requires_grad_()
    yield 58, "a parameter, in place", {"input": wanted, "inplace": True}, leaf, {"theirs": True}
    shared = "unsupported operation: more than one element of the written-to tensor refers to a single memory location."
    repeated = right(name)["input"][:1].expand(2, *[-1] * (wanted.dim() - 1))
    yield 58, "a repeated sample, in place", {"input": repeated, "inplace": True}, shared, {"theirs": True}
    unknown = f"{name}() got an unexpected keyword argument 'stide'"
    yield 64, "unknown argument", {"stide": 2}, unknown
