"""How a loss of many entries becomes one number, and the arguments that said so until 2018."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from manualconv.functional.refusals.loss import check_reduction


def resolved(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """``'none'``, ``'mean'`` or ``'sum'``; the two old arguments, where given, win over the new one, with a warning."""
    if size_average is not None or reduce is not None:
        averaged, reduced = size_average is None or bool(size_average), reduce is None or bool(reduce)
        reduction = ("mean" if averaged else "sum") if reduced else "none"
        warnings.warn(
            f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.",
            stacklevel=4,
        )
    return reduction


def reduced(loss: Tensor, reduction: str, dtype: torch.dtype | None = None) -> Tensor:
    """The mean, the sum or all of it; rounded to `dtype` at the end, if the loss was computed in a wider one."""
    if named(reduction, stacklevel=5) == "mean":
        loss = loss.mean()
    elif reduction == "sum":
        loss = loss.sum()
    return loss if dtype is None or loss.dtype == dtype else loss.to(dtype)


def named(reduction: str, stacklevel: int = 4) -> str:
    """A checked reduction, by its name of today."""
    check_reduction(reduction)
    if reduction == "elementwise_mean":
        warnings.warn(
            "reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.", stacklevel=stacklevel
        )
        return "mean"
    return reduction
