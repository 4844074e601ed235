"""What power-average pooling takes besides what the mean under it does."""

from __future__ import annotations

from collections.abc import Sized
from math import inf
from typing import Any

from torch import Tensor

from manualconv.functional.validation.arguments import kind, no_method


def check_lp_pooling(name: str, ndim: int, input: Any, norm_type: Any, kernel_size: Any) -> float:
    """A tensor, a number that is not 0, and for images and volumes a size for every axis."""
    if norm_type == 0:
        raise ValueError(f"norm_type must be a non-zero value, but got {norm_type} [the root 1/p has no meaning at 0]")
    if ndim > 1 and isinstance(kernel_size, Sized):
        _check_count(name, ndim, kernel_size)
    if not isinstance(input, Tensor):
        raise no_method(name, input, "abs" if norm_type in (inf, -inf) else "pow")
    if not isinstance(norm_type, (int, float)):
        raise TypeError(
            f"pow() received an invalid combination of arguments - got ({kind(norm_type)}), but norm_type of {name}() "
            f"must be a number [1.0, 2.0, inf]"
        )
    return norm_type


def _check_count(name: str, ndim: int, kernel_size: Sized) -> None:
    """As many sizes as axes: torch unpacks them before it looks at anything else."""
    hint = f"[{name}() takes an int or a tuple of {ndim} as kernel_size, not {kernel_size!r}]"
    count = len(kernel_size)
    if count > ndim:
        raise ValueError(f"too many values to unpack (expected {ndim}) {hint}")
    if count < ndim:
        raise ValueError(f"not enough values to unpack (expected {ndim}, got {count}) {hint}")
