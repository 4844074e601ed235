"""What losses take."""

from __future__ import annotations

from typing import Any

import torch

from manualconv.functional.validation.arguments import check_tensor, listed
from manualconv.torch_internals import is_plain


def check_reduction(size_average: Any, reduce: Any, reduction: str) -> None:
    """One of the three reductions; the arguments they replaced in 2018 are refused."""
    if size_average is not None or reduce is not None:
        raise NotImplementedError("size_average and reduce are deprecated and not taken here: use reduction=...")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction: it must be 'none', 'mean' or 'sum'")


def check_nll(input: Any, target: Any, weight: Any, ignore_index: int) -> None:
    """Log-probabilities ``(N, C, *S)``, targets ``(N, *S)`` of class numbers in range."""
    check_tensor("nll_loss", input)
    check_tensor("nll_loss", target, "target")
    if input.dim() < 1:
        raise RuntimeError("input tensor should be 1D or 2D: got a scalar where (N, C) log-probabilities are needed")
    expected = (*input.shape[:1], *input.shape[2:]) if input.dim() > 1 else ()
    if input.dim() > 1 and target.dim() > 0 and target.shape[0] != input.shape[0]:
        raise ValueError(
            f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({target.shape[0]})."
        )
    if tuple(target.shape) != expected:
        raise RuntimeError(
            f"Expected target size {listed(expected)}, got {listed(target.shape)} [one class number for each of the "
            f"input's {listed(input.shape)} without its class axis]"
        )
    if target.dtype not in (torch.int64, torch.uint8):
        raise RuntimeError(f"expected scalar type Long but found {target.dtype} for target [target.long() makes one]")
    classes = input.shape[1] if input.dim() > 1 else input.shape[0]
    if weight is not None and tuple(weight.shape) != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of "
            f"shape: {listed(weight.shape)}"
        )
    if not is_plain(target) or target.is_meta:
        return
    outside = target[(target != ignore_index) & ((target < 0) | (target >= classes))]
    if outside.numel():
        raise IndexError(f"Target {outside[0].item()} is out of bounds: classes are 0 to {classes - 1}.")
