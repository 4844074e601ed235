"""Losses of residuals r = x − t: squared, absolute, and Huber's two.

    mse        E = mean r²                                   ∂E/∂x = 2·r/m
    l1         E = mean |r|                                  ∂E/∂x = sgn(r)/m, with 0 at 0
    huber      r²/2 where |r| ≤ δ, else δ·(|r| − δ/2)        min(max(r, −δ), δ)
    smooth l1  huber with δ = β, divided by β; l1 for β = 0

Source: notes on convolution (squared error, B17); P. J. Huber, *Robust Estimation of a Location Parameter*, 1964;
R. Girshick, *Fast R-CNN*, 2015 (smooth l1).
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from manualconv.autograd.pointwise import Square
from manualconv.autograd.residuals import Absolute, Huber
from manualconv.functional import reduction as reductions
from manualconv.functional.precision import cast
from manualconv.functional.refusals import loss as refusals
from manualconv.kernels.precision import WIDENED, single


def _check(input: Tensor, target: Tensor, weight: Tensor | None, reduction: str) -> None:
    """What is wrong with sizes, or else with the reduction; a warning of torch's if they have to be broadcast."""
    refusals.check_sizes(input, target, weight)
    if target.shape != input.shape:
        warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). This will "
            "likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=4,
        )
    if weight is None:
        refusals.check_reduction(reduction)


def _numbers(name: str, input: Tensor, target: Tensor, weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """x and t, checked and in their dtypes."""
    # torch's weighted means are plain arithmetic, which keeps its dtype under autocast.
    x, t = (input, target) if weight is not None and name != "huber_loss" else cast(name, input, target)
    refusals.check_numbers(name, x, t, weight)
    return x, t


def _residual(x: Tensor, t: Tensor) -> tuple[Tensor, torch.dtype | None]:
    """``r = x − t``; of half precision in float32, with the dtype that the loss is rounded to, once, at the end."""
    if x.dtype != t.dtype:
        x, t = torch.broadcast_tensors(x, t)  # a number of no axes counts as much as others in the dtype of both
        if torch.bool in (x.dtype, t.dtype):  # which are not subtracted
            x, t = (v.to(torch.promote_types(x.dtype, t.dtype)) for v in (x, t))
    if x.dtype not in WIDENED and t.dtype not in WIDENED:
        return x - t, None
    # Dynamo knows no torch.result_type.
    dtype = x.dtype if x.dtype == t.dtype else (x - t).dtype
    return single(x) - single(t), dtype.to_real() if dtype.is_complex else dtype


def _averaged(loss: Tensor, weight: Tensor, reduction: str, dtype: torch.dtype | None) -> Tensor:
    """A weighted loss in `dtype`; the mean divides by the sum of the weights."""
    refusals.check_reduction(reduction, weighted=True)
    loss = (loss if dtype is None else loss.to(dtype)) * weight
    if reduction == "mean":
        return loss.sum() / weight.sum()
    return loss.sum() if reduction == "sum" else loss


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Mean squared error ``mean (x − t)²``.

    Args:
        input, target: floating point tensors that broadcast to one shape, with a warning if they are not of one.
        size_average, reduce: what `reduction` was until 2018; they win over it, with a warning.
        reduction: ``'mean'``, ``'sum'`` or ``'none'``.
        weight: a factor for every entry, in the shape of `input`; the mean divides by its sum.

    Returns:
        A scalar, or the broadcast shape for ``'none'``; differentiable in all three tensors.

    Raises:
        AttributeError, TypeError, ValueError, RuntimeError, NotImplementedError: as torch.nn.functional.mse_loss.
    """
    reduction = reductions.resolved(size_average, reduce, reduction)
    _check(input, target, weight, reduction)
    x, t = _numbers("mse_loss", input, target, weight)
    r, dtype = _residual(x, t)
    loss: Tensor = Square.call(r)
    return reductions.reduced(loss, reduction, dtype) if weight is None else _averaged(loss, weight, reduction, dtype)


def _absolute(input: Tensor, target: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
    """`l1_loss` of what is checked."""
    x, t = _numbers("l1_loss", input, target, weight)
    r, dtype = _residual(x, t)
    loss: Tensor = Absolute.call(r)
    if weight is not None:
        return _averaged(loss, weight, reduction, dtype)
    refusals.check_mean(loss, reduction)
    return reductions.reduced(loss, reduction, dtype)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Mean absolute error ``mean |x − t|``; the slope at 0 is 0.

    Args:
        input, target: tensors of numbers, complex ones too, that broadcast to one shape, with a warning if they are
            not of one.  Integers have a sum and no mean.
        size_average, reduce: what `reduction` was until 2018; they win over it, with a warning.
        reduction: ``'mean'``, ``'sum'`` or ``'none'``.
        weight: a factor for every entry, in the shape of `input`; the mean divides by its sum.

    Returns:
        A scalar, or the broadcast shape for ``'none'``; real; differentiable in all three tensors.

    Raises:
        AttributeError, TypeError, ValueError, RuntimeError, NotImplementedError: as torch.nn.functional.l1_loss.
    """
    reduction = reductions.resolved(size_average, reduce, reduction)
    _check(input, target, weight, reduction)
    return _absolute(input, target, weight, reduction)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """The mean of ``r²/2β`` where ``|r| ≤ β`` and of ``|r| − β/2`` elsewhere, ``r = x − t``.

    Args:
        input, target: floating point tensors that broadcast to one shape, with a warning if they are not of one.
        size_average, reduce: what `reduction` was until 2018; they win over it, with a warning.
        reduction: ``'mean'``, ``'sum'`` or ``'none'``.
        beta: where the parabola ends; `l1_loss` for 0.

    Returns:
        A scalar, or the broadcast shape for ``'none'``; differentiable in both tensors.

    Raises:
        RuntimeError: a negative `beta`.
        AttributeError, TypeError, ValueError, RuntimeError, NotImplementedError: as
            torch.nn.functional.smooth_l1_loss.
    """
    reduction = reductions.resolved(size_average, reduce, reduction)
    _check(input, target, None, reduction)
    if beta == 0:
        return _absolute(input, target, None, reduction)
    beta = refusals.positive("beta", beta)
    x, t = _numbers("smooth_l1_loss", input, target)
    r, dtype = _residual(x, t)
    loss: Tensor = Huber.call(r, beta, beta)
    return reductions.reduced(loss, reduction, dtype)


def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """The mean of ``r²/2`` where ``|r| ≤ δ`` and of ``δ·(|r| − δ/2)`` elsewhere, ``r = x − t``.

    Args:
        input, target: floating point tensors that broadcast to one shape, with a warning if they are not of one.
        reduction: ``'mean'``, ``'sum'`` or ``'none'``.
        delta: where the parabola ends; above 0.
        weight: a factor for every entry, in the shape of `input`; the mean is that of the products.

    Returns:
        A scalar, or the broadcast shape for ``'none'``, in the dtype of `input`; differentiable in all three tensors.

    Raises:
        RuntimeError: a `delta` that is not positive.
        AttributeError, TypeError, ValueError, RuntimeError, NotImplementedError: as torch.nn.functional.huber_loss.
    """
    _check(input, target, weight, reduction)
    delta = refusals.positive("delta", delta)
    x, t = _numbers("huber_loss", input, target, weight)
    r, _ = _residual(x, t)
    loss: Tensor = Huber.call(r, delta, 1.0)
    if weight is None:
        return reductions.reduced(loss, reduction, x.dtype)
    refusals.check_reduction(reduction, weighted=True)
    return reductions.reduced(loss.to(x.dtype) * weight, reduction)
