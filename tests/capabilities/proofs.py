"""Trying a cell: an operation, by hand or by torch, in a mode and its dtypes, judged by the oracle."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import torch
from torch import Tensor

from tests.capabilities.modes import MODES, Mode
from tests.capabilities.operations import OPERATIONS, Apply, Operation
from tests.capabilities.quantities import FormatLost, NotAsked, OneSampleAtATime, Run

SHORT = {
    torch.float16: "f16",
    torch.bfloat16: "bf16",
    torch.float32: "f32",
    torch.float64: "f64",
    torch.complex64: "c64",
    torch.complex128: "c128",
    torch.int64: "int64",
}
RIGHT, WRONG, NOT_ASKED = "✓", "**wrong**", "–"
LOOPS, FORMAT, TRUNCATED = "✓ one by one", "✓ format lost", "✓ truncated"
SIDES = OURS, TORCH = "manualconv", "torch"
#: Roundings allowed, in units of the last place of the largest entry.
ROUNDINGS = 16


def wide(dtype: torch.dtype) -> torch.dtype:
    """Where the oracle is asked."""
    return torch.complex128 if dtype.is_complex else torch.float64


def is_right(got: Tensor, exact: Tensor, precision: torch.dtype) -> bool:
    """The oracle's numbers within rounding, in its shape."""
    if got.shape != exact.shape:
        return False
    if got.numel() == 0 or (not got.is_floating_point() and not got.is_complex()):
        return torch.equal(got.to(exact.dtype), exact)
    distance = (got.detach().to(exact.dtype) - exact.detach()).abs().max()
    return bool(distance <= ROUNDINGS * torch.finfo(precision).eps * exact.detach().abs().max())


def judged(got: Sequence[Tensor], expected: Sequence[Tensor], mode: Mode, dtype: torch.dtype) -> str:
    """Right, wrong, or an integer without its fraction."""
    if len(got) != len(expected):
        return WRONG
    if mode is MODES["Settings"]["autocast"]:  # what comes out of it, and in which dtype, is the layer's policy
        return RIGHT if all(is_right(g, e, torch.bfloat16) for g, e in zip(got, expected)) else WRONG
    if dtype != torch.int64:
        same = all(g.dtype == dtype and is_right(g, e, dtype) for g, e in zip(got, expected))
        return RIGHT if same else WRONG
    # Sigmoids and means of integers are float32.
    if all(is_right(g, e, torch.float32) for g, e in zip(got, expected)):
        return RIGHT
    return TRUNCATED if all(is_right(g, e.trunc(), torch.float32) for g, e in zip(got, expected)) else WRONG


@cache
def asked(operation: Operation, expected: Run, dtype: torch.dtype) -> Sequence[Tensor]:
    """The oracle's answer, the same for both sides."""
    return expected(operation.oracle, tuple(t.to(wide(dtype)) for t in operation.tensors(dtype)))


def tried(apply: Apply, operation: Operation, mode: Mode, dtype: torch.dtype) -> str:
    """One proof: right, wrong, or what was raised."""
    inputs = operation.tensors(dtype)
    form = RIGHT
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                got = mode.run(apply, inputs)
            except FormatLost as lost:
                got, form = lost.args, FORMAT
    except NotAsked:
        return NOT_ASKED
    except OneSampleAtATime:
        return LOOPS
    except Exception as error:
        return type(error).__name__
    status = judged(got, asked(operation, mode.expected, dtype), mode, dtype)
    return form if status == RIGHT else status


def outcomes(side: str, row: str, mode: Mode) -> dict[str, str]:
    """What each dtype of a cell comes to."""
    operation = OPERATIONS[row]
    apply = operation.by_hand if side == OURS else operation.referee
    return {SHORT[dtype]: tried(apply, operation, mode, dtype) for dtype in mode.dtypes}


def text(found: dict[str, str]) -> str:
    """A cell: one outcome for all its dtypes, or each with its own."""
    kinds = list(dict.fromkeys(found.values()))
    if len(kinds) == 1:
        return kinds[0]
    return "; ".join(f"{kind} {' '.join(dtype for dtype in found if found[dtype] == kind)}" for kind in kinds)


def columns(group: str) -> dict[str, Mode]:
    """A table's columns; the values have one for every dtype."""
    if group != "Values":
        return MODES[group]
    return {
        f"{name} {SHORT[dtype]}": replace(mode, dtypes=(dtype,))
        for name, mode in MODES[group].items()
        for dtype in mode.dtypes
    }
