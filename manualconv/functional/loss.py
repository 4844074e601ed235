"""Losses: cross-entropy, negative log-likelihood, squared error.

    nll            E = −Σ_n v[t_n]·log p[n, t_n] / Σ_n v[t_n]       Select at the target, class weights v
    cross-entropy  E = nll(log-softmax(z), t);                       ∂E/∂z = p − one-hot(t)   (collected notes)
    mse            E = mean (x − t)²                                 ∂E/∂x = 2·(x − t)/m

Source: collected notes (softmax and cross-entropy); notes on training (squared error).
"""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.autograd.pointwise import Square
from manualconv.autograd.selection import Select
from manualconv.functional.activation import log_softmax
from manualconv.functional.precision import widened
from manualconv.functional.validation import arguments
from manualconv.functional.validation import loss as validation


def _reduced(loss: Tensor, reduction: str) -> Tensor:
    """The mean, the sum or all of it."""
    if reduction == "mean":
        return loss.mean()
    return loss.sum() if reduction == "sum" else loss


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: None = None,
    ignore_index: int = -100,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log-likelihood of the target classes.

    Args:
        input: log-probabilities, ``(N, C, *S)`` or ``(C,)``.
        target: class numbers, int64 or uint8, ``(N, *S)`` or ``()``.
        weight: a factor per class ``(C,)``, or None.
        ignore_index: targets of this value count neither in the sum nor in the mean.
        reduction: ``'mean'`` (weighted by `weight`), ``'sum'`` or ``'none'``.

    Returns:
        A scalar, or the shape of `target` for ``'none'``.

    Raises:
        IndexError: a target outside ``0 … C − 1``.
        ValueError, RuntimeError: as torch.nn.functional.nll_loss.
    """
    validation.check_reduction(size_average, reduce, reduction)
    validation.check_nll(input, target, weight, ignore_index)
    log_p, v = widened(input, weight)
    assert log_p is not None
    if log_p.dim() == 1:
        log_p, target = log_p.unsqueeze(0), target.unsqueeze(0)
        loss = _nll(log_p, target, v, ignore_index, reduction)
        return loss.squeeze(0) if reduction == "none" else loss
    return _nll(log_p, target, v, ignore_index, reduction)


def _nll(log_p: Tensor, target: Tensor, v: Tensor | None, ignore_index: int, reduction: str) -> Tensor:
    counted = target != ignore_index
    target = target.long() * counted
    picked = -Select.call(log_p if log_p.dim() == 2 else log_p.movedim(1, -1), target.unsqueeze(-1), 1).squeeze(-1)
    if v is not None:
        picked = picked * v[target]
    # Selected, not multiplied: an ignored target takes nothing from an infinite loss.
    loss = torch.where(counted, picked, 0)
    if reduction != "mean":
        return loss if reduction == "none" else loss.sum()
    return loss.sum() / (counted.sum() if v is None else (v[target] * counted).sum())


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: None = None,
    ignore_index: int = -100,
    reduce: None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy of logits ``(N, C, *S)`` against class numbers ``(N, *S)``: `nll_loss` of `log_softmax`.

    Class probabilities as target and `label_smoothing` are not there yet and are refused.

    Raises:
        NotImplementedError: for those two.
        IndexError, ValueError, RuntimeError: as `nll_loss`.
    """
    arguments.check_tensor("cross_entropy", input)
    if label_smoothing != 0.0 or (isinstance(target, Tensor) and target.is_floating_point()):
        raise NotImplementedError(
            "cross_entropy() takes class numbers as target and no label_smoothing yet; torch.nn.functional has both"
        )
    y = log_softmax(input, dim=1 if input.dim() > 1 else 0)
    return nll_loss(y, target, weight, size_average, ignore_index, reduce, reduction)


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
    weight: None = None,
) -> Tensor:
    """Mean squared error ``mean (x − t)²`` of broadcastable tensors; the sum, or each square, by `reduction`."""
    validation.check_reduction(size_average, reduce, reduction)
    arguments.check_tensor("mse_loss", input)
    arguments.check_tensor("mse_loss", target, "target")
    if weight is not None:
        raise NotImplementedError("mse_loss() takes no weight yet; multiply reduction='none' by it")
    x, t = widened(input, target)
    assert x is not None and t is not None
    return _reduced(Square.call(x - t), reduction)
