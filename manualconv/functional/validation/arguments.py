"""What arguments are: tensors, ints, tuples of ints; and how sizes are printed in errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def listed(size: Sequence[int]) -> str:
    """A size as torch prints it: ``[2, 4, 8, 9]``."""
    return "[" + ", ".join(str(s) for s in size) + "]"


def crossed(size: Sequence[int]) -> str:
    """A size as torch prints it in geometry errors: ``8 x 9``."""
    return " x ".join(str(s) for s in size)


def kind(value: Any) -> str:
    """The type of an argument as torch's argument parser names it."""
    return type(value).__name__


def is_int(value: Any) -> bool:
    """An int, or a symbolic one; a bool is neither."""
    return isinstance(value, (int, torch.SymInt)) and not isinstance(value, bool)


def is_int_or_ints(value: Any) -> bool:
    """An int, or a non-empty tuple or list of ints."""
    return is_int(value) or (isinstance(value, (tuple, list)) and all(is_int(v) for v in value))


def is_pairs(value: Any) -> bool:
    """A tuple of ``(lo, hi)`` pairs, one per axis: manualconv's own way to say one-sided padding."""
    return (
        isinstance(value, (tuple, list))
        and len(value) > 0
        and all(isinstance(v, (tuple, list)) and len(v) == 2 and all(is_int(side) for side in v) for v in value)
    )


def reject_arguments(name: str, got: Sequence[tuple[str, Any]], rule: str) -> TypeError:
    """The TypeError that torch's argument parser raises, with the argument named."""
    types = ", ".join(f"{key}={kind(value)}" for key, value in got)
    return TypeError(f"{name}() received an invalid combination of arguments - got ({types}), but {rule}")


def check_tensor(name: str, value: Any, key: str = "input") -> None:
    """A Tensor, or torch's TypeError."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{name}(): argument '{key}' must be Tensor, not {kind(value)}")
