"""What losses of residuals take."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import listed, number_of
from manualconv.functional.refusals.loss import check_reduction, check_tensors
from manualconv.functional.refusals.refusal import Refusal


def check_sizes(input: Any, target: Any, weight: Any) -> None:
    """Two tensors whose sizes broadcast, on one device; a weight in the size of the input."""
    check_tensors(input=input, target=target, weight=weight)
    if any(m != n and m != 1 and n != 1 for m, n in zip(reversed(input.shape), reversed(target.shape))):
        raise Refusal(f"give input and target one shape: {listed(input.shape)} against {listed(target.shape)}")
    if weight is not None and weight.shape != input.shape:
        raise Refusal(
            f"weight is {listed(weight.shape)} and input {listed(input.shape)}: weight.expand_as(input) broadcasts it"
        )


def check_numbers(name: str, x: Tensor, t: Tensor, weight: Tensor | None) -> None:
    """Dtypes that the loss has arithmetic for."""
    dtype = torch.promote_types(x.dtype, t.dtype)
    # torch.can_cast, which a compiler does not trace.
    fits = x.is_complex() or (not dtype.is_complex and (x.is_floating_point() or not dtype.is_floating_point))
    if name == "huber_loss" and not fits:
        raise Refusal(f"the loss has the dtype of input: input.to({dtype}) makes room for it")
    plain = name == "l1_loss" or (name == "mse_loss" and weight is not None)
    if dtype == torch.bool or not (plain or dtype.is_floating_point):
        raise Refusal(
            f"the residual is {dtype}: l1_loss takes complex numbers, input.float() makes numbers with a fraction"
        )


def check_mean(loss: Tensor, reduction: str) -> None:
    """Integers have no mean in torch."""
    if reduction in ("mean", "elementwise_mean") and not loss.is_floating_point():
        raise Refusal(f"the loss is {loss.dtype}: input.float() has a mean, and reduction='sum' takes integers")


def check_weighted_reduction(reduction: Any) -> None:
    """One of the three: beside a weight torch knows no other name."""
    check_reduction(reduction, ("none", "mean", "sum"))


def positive(key: str, value: Any) -> float:
    """Where a parabola ends: a number above 0."""
    number: float = number_of(key, value)
    if not number > 0:
        raise Refusal(f"got {key}={number}, which must be above 0: the parabola ends at |r| = {key}")
    return number
