"""What power-average pooling takes besides what the mean or the maximum takes that it is made of."""

from __future__ import annotations

from collections.abc import Sized
from math import inf
from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import check_input, is_of_numpy
from manualconv.functional.refusals.refusal import Refusal
from manualconv.torch_internals import is_moving


def checked_norm(ndim: int, input: Any, norm_type: Any, kernel_size: Any) -> float:
    """p, a number that is not 0, beside a tensor and, for images and volumes, a size for every axis."""
    p = _number(norm_type)
    if p == 0:
        raise Refusal(f"norm_type={norm_type}: the root 1/p has no meaning at 0")
    if ndim > 1 and isinstance(kernel_size, Sized) and len(kernel_size) != ndim:
        raise Refusal(f"kernel_size={kernel_size!r} must be an int or a tuple of {ndim}")
    check_input(input)
    if isinstance(norm_type, Tensor) and is_moving(norm_type):
        raise Refusal("norm_type has no derivative here, though torch.pow has one: norm_type.detach()", TypeError)
    if p is None or isinstance(p, complex):
        raise Refusal(f"norm_type={norm_type!r} must be a number, and real: 1.0, 2.0, inf")
    if ndim == 1 and p not in (inf, -inf) and isinstance(kernel_size, (tuple, list)) and len(kernel_size) == 1:
        raise Refusal(f"kernel_size={kernel_size}: lp_pool1d() takes an int")
    return p  # type: ignore[no-any-return]


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
