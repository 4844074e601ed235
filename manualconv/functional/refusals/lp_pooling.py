"""What power-average pooling takes besides what the mean under it does."""

from __future__ import annotations

from collections.abc import Sized
from math import inf
from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import is_of_numpy, kind, no_method
from manualconv.torch_internals import is_moving


def check_lp_pooling(name: str, ndim: int, input: Any, norm_type: Any, kernel_size: Any) -> float:
    """A tensor, a number that is not 0, and for images and volumes a size for every axis."""
    number = _number(norm_type)
    if number == 0:
        raise ValueError(f"norm_type must be a non-zero value, but got {norm_type} [the root 1/p has no meaning at 0]")
    if ndim > 1 and isinstance(kernel_size, Sized):
        _check_count(name, ndim, kernel_size)
    if not isinstance(input, Tensor):
        raise no_method(name, input, "abs" if number in (inf, -inf) else "pow")
    if isinstance(norm_type, Tensor) and is_moving(norm_type):
        raise TypeError(
            f"norm_type of {name}() has no derivative here, though torch.pow has one [norm_type.item(), or .detach()]"
        )
    if number is None:
        raise TypeError(
            f"pow() received an invalid combination of arguments - got ({kind(norm_type)}), but norm_type of {name}() "
            f"must be a number [1.0, 2.0, inf]"
        )
    if ndim == 1 and number not in (inf, -inf) and isinstance(kernel_size, (tuple, list)) and len(kernel_size) == 1:
        raise TypeError(
            f"mul(): argument 'other' (position 1) must be Tensor, not {kind(kernel_size)} [{name}() takes an int as "
            f"kernel_size]"
        )
    if isinstance(number, complex):
        raise NotImplementedError(
            f"\"avg_pool2d\" not implemented for 'ComplexFloat' [norm_type of {name}() must be real, not {number}]"
        )
    return number  # type: ignore[no-any-return]


def promoted(input: Tensor, norm_type: Any) -> Tensor:
    """The input in the dtype that its power has: a tensor with axes takes part in the choice."""
    return input.to(torch.result_type(input, norm_type)) if isinstance(norm_type, Tensor) else input


def _number(norm_type: Any) -> Any:
    """A number, NumPy's too, or that of a tensor of one; None for anything else."""
    if isinstance(norm_type, Tensor):
        return norm_type.item() if norm_type.numel() == 1 else None
    if is_of_numpy(norm_type, "biufc"):
        return norm_type.item()
    return norm_type if isinstance(norm_type, (int, float, complex)) else None


def _check_count(name: str, ndim: int, kernel_size: Sized) -> None:
    """As many sizes as axes: torch unpacks them before it looks at anything else."""
    hint = f"[{name}() takes an int or a tuple of {ndim} as kernel_size, not {kernel_size!r}]"
    count = len(kernel_size)
    if count > ndim:
        raise ValueError(f"too many values to unpack (expected {ndim}) {hint}")
    if count < ndim:
        raise ValueError(f"not enough values to unpack (expected {ndim}, got {count}) {hint}")
