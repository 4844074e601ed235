"""What losses of residuals take."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from manualconv.functional.refusals.arguments import listed, real, scalar_type
from manualconv.functional.refusals.loss import check_broadcast, check_devices, check_sized

_KERNELS = {"mse_loss": "mse", "smooth_l1_loss": "smooth_l1", "huber_loss": "huber"}


def check_tensors(name: str, input: Any, target: Any, weight: Any) -> None:
    """Two tensors whose sizes broadcast, on one device; a weight in the size of the input."""
    check_sized(name, target=target, input=input)
    check_broadcast("give input and target one shape", input, target)
    if weight is not None:
        check_sized(name, weight=weight)
        if weight.shape != input.shape:
            raise ValueError(
                f"Weights and input must have the same size. [weight is {listed(weight.shape)} and input "
                f"{listed(input.shape)}: weight.expand_as(input) broadcasts it]"
            )
    check_devices(input=input, target=target, weight=weight)


def check_numbers(name: str, x: Tensor, t: Tensor, weight: Tensor | None) -> None:
    """Dtypes that the loss has arithmetic for."""
    dtype = torch.promote_types(x.dtype, t.dtype)
    # torch.can_cast, which a compiler does not trace.
    fits = x.is_complex() or (not dtype.is_complex and (x.is_floating_point() or not dtype.is_floating_point))
    if name == "huber_loss" and not fits:
        raise RuntimeError(
            f"result type {_named(dtype)} can't be cast to the desired output type {scalar_type(x)} [the loss has the "
            f"dtype of input: input.to({dtype}) makes room for it]"
        )
    if dtype == torch.bool and (name == "l1_loss" or (name == "mse_loss" and weight is not None)):
        raise NotImplementedError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. [input.float() makes numbers]"
        )
    plain = name == "l1_loss" or (name == "mse_loss" and weight is not None)
    if not plain and not dtype.is_floating_point:
        raise NotImplementedError(
            f"\"{_KERNELS[name]}_{x.device.type}\" not implemented for '{_named(dtype)}' [{_fix(dtype)}]"
        )


def _named(dtype: torch.dtype) -> str:
    """A dtype as torch's messages name it."""
    return scalar_type(torch.empty(0, dtype=dtype, device="cpu"))


def _fix(dtype: torch.dtype) -> str:
    return "l1_loss takes complex numbers" if dtype.is_complex else "input.float() makes numbers with a fraction"


def check_mean(loss: Tensor, reduction: str) -> None:
    """Integers have no mean in torch."""
    if reduction in ("mean", "elementwise_mean") and not loss.is_floating_point():
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: "
            f"{scalar_type(loss)} [input.float() has a mean, and reduction='sum' takes integers]"
        )


def check_weighted_reduction(reduction: Any) -> None:
    """One of the three, in torch's words for losses with a weight."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(
            f"Invalid reduction mode: {reduction}. Expected one of 'none', 'mean', 'sum'. [weight is given, and no "
            "other name is known beside it]"
        )


def positive(name: str, key: str, value: Any) -> float:
    """Where a parabola ends: a number above 0."""
    value = real(name, key, 4, value)
    if not value > 0:
        signs = "negative" if key == "beta" else "non-positive"
        raise RuntimeError(
            f"{name} does not support {signs} values for {key}. [got {key}={value}: the parabola ends at |r| = {key}]"
        )
    number: float = value
    return number
