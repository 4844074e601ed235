"""What power-average pooling takes besides what the mean under it does."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from manualconv.functional.validation.arguments import kind


def check_lp_pooling(name: str, input: Any, norm_type: Any) -> float:
    """A tensor, and a number that is not 0."""
    if not isinstance(input, Tensor):
        raise AttributeError(f"'{kind(input)}' object has no attribute 'pow' [{name}() takes a Tensor as input]")
    if not isinstance(norm_type, (int, float)):
        raise TypeError(f"{name}(): argument 'norm_type' must be a number, not {kind(norm_type)}")
    if norm_type == 0:
        raise ValueError(f"norm_type must be a non-zero value, but got {norm_type} [the root 1/p has no meaning at 0]")
    return norm_type
