"""Bad calls of dropout."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, nan
from typing import Any

import numpy as np
import torch

from tests.bad_input.calls import ANY, Mistakes, Row, bad_calls, numbers

CHANNELS = ("dropout1d", "dropout2d", "dropout3d")
NAMES = ("dropout", *CHANNELS, "alpha_dropout", "feature_alpha_dropout")


def right(name: str) -> dict[str, Any]:
    """Arguments of a call that is all right, and draws nothing."""
    axes = (8, 9, 7)[: int(name[-2])] if name in CHANNELS else (8,)
    return {"input": numbers(2, 4, *axes), "p": 1.0, "training": True, "inplace": False}


RIGHT = {name: right(name) for name in NAMES}


def rows() -> Iterator[Row]:
    """Every bad call, of functions and of modules."""
    for name in NAMES:
        yield from bad_calls(name, right(name), _probabilities(), _inputs(name), _flags(name))
    for name in ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"):
        for p in (1.5, -0.1):
            yield Row(115, f"{name}({p})", lambda m, n=name, p=p: getattr(m.nn, n)(p), ANY, theirs=True)

        def no_number(library: Any, name: str = name) -> Any:
            dims = (8, 9, 7)[: int(name[-2])] if name.endswith("d") else (8,)
            return getattr(library.nn, name)(nan)(numbers(2, 4, *dims))

        yield Row(115, f"{name}(nan)", no_number, ANY, ("0 <= p <= 1",))


def _probabilities() -> Mistakes:
    for p in (1.5, -0.1, inf, -inf, 2, nan):
        yield 115, f"p={p}", {"p": p}, "0 <= p <= 1"
        yield 115, f"p={p}, in evaluation", {"p": p, "training": False}, "0 <= p <= 1"
    for p in ("a", None, (0.5,), 1j, torch.tensor(1.5), np.array(0.5)):
        yield 115, f"p={p!r}", {"p": p}, "0 <= p <= 1"


def _inputs(name: str) -> Mistakes:
    x = right(name)["input"]
    for shape in ((), (3,), (1, 1, 3, 2)) if name == "dropout1d" else ():
        yield 115, f"{len(shape)} axes", {"input": numbers(*shape)}, "(C, L)"
    if name in ("dropout2d", "feature_alpha_dropout"):
        yield 115, "one axis", {"input": numbers(3), "p": 0.5}, "(3,)"
    if name == "dropout":
        yield 115, "whole numbers", {"input": x.long(), "p": 0.5}, ".float()"


def _flags(name: str) -> Mistakes:
    for value in (1, None, "a"):
        yield 115, f"training={value!r}", {"training": value}, "True"
    x = right(name)["input"]
    repeated = x[:1].expand(2, *[-1] * (x.dim() - 1))
    for what, made in (("a parameter", x.requires_grad_()), ("a repeated sample", repeated)):
        yield 58, f"{what}, in place", {"input": made, "inplace": True}, "", {"theirs": True}
