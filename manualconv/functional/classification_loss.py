"""Losses against classes: negative log-likelihood, cross-entropy, and both of two classes only.

    nll            E = −Σ_n v[t_n]·y[n, t_n] / Σ_n v[t_n]           Select at the target, class weights v
    cross-entropy  E = nll(y, t), y = log-softmax(z)                 ∂E/∂z = (p − one-hot(t))/N
    smoothed       (1 − ε)·v[t]·(−y[t]) + ε/C·Σ_c v[c]·(−y[c])       one-hot(t) mixed with the even distribution
    probabilities  E = −1/N Σ_n,c q[n, c]·v[c]·y[n, c]               ∂E/∂z = (p·Σ_c q − q)/N,  ∂E/∂q = −y/N
    binary         −t·log x − (1 − t)·log(1 − x)                     of probabilities x
    with logits    −u·t·log σ(z) − (1 − t)·log σ(−z)                 x = σ(z), u the weight of the positive class

v = 1 in the slopes above; N counts samples and positions.  In the last no terms cancel, as in (1 − t)·z − log σ(z) they
do for t = 0 and z far below 0; without u it is one map, `LogitCrossEntropy`.  Half precision is computed in float32 and
rounded once, at the end.

Source: collected notes (softmax and cross-entropy, B16); C. Szegedy and others,
*Rethinking the Inception Architecture for Computer Vision*, 2015 (smoothing).
"""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.autograd.residuals import BinaryCrossEntropy, LogitCrossEntropy
from manualconv.autograd.selection import Select
from manualconv.autograd.sigmoidal import LogSigmoid
from manualconv.autograd.softmax import LogSoftmax
from manualconv.functional import reduction as reductions
from manualconv.functional.precision import cast
from manualconv.functional.refusals import loss as refusals
from manualconv.functional.refusals.arguments import number_of
from manualconv.kernels.precision import WIDENED, single


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log-likelihood of the target classes.

    Args:
        input: log-probabilities, ``(N, C, *S)`` or ``(C,)``; floating point.
        target: class numbers, int64 or uint8, ``(N, *S)``; ``()`` or ``(1,)`` for one sample.
        weight: a factor per class ``(C,)`` in the dtype of `input`, or None.
        size_average, reduce: what `reduction` was until 2018; they win over it, with a warning.
        ignore_index: targets of this value count neither in the sum nor in the mean.
        reduction: ``'mean'`` (weighted by `weight`; NaN if nothing counts), ``'sum'`` or ``'none'``.

    Returns:
        A scalar, or ``(N, *S)`` for ``'none'``; differentiable in `input` and `weight`.

    Raises:
        IndexError: a target outside ``0 … C − 1``.
        TypeError, ValueError, RuntimeError, NotImplementedError: as torch.nn.functional.nll_loss.
    """
    reduction = reductions.named(reductions.resolved(size_average, reduce, reduction))
    ignore_index = refusals.checked_index(input, target, weight, ignore_index)
    log_p, v = cast("nll_loss", input, weight)
    ignored = None if refusals.check_nll(log_p, target, v, ignore_index) else ignore_index
    loss = _nll(single(log_p), target, _by_class(v), ignored, reduction)
    return _rounded(loss, log_p.dtype)


def _by_class(v: Tensor | None) -> Tensor | None:
    """Weights of classes in a row, as torch reads whatever has as many numbers where there are places."""
    return v if v is None else single(v if v.dim() == 1 else v.reshape(-1))


def _rounded(loss: Tensor, dtype: torch.dtype) -> Tensor:
    """Half precision, which was computed with in float32, once at the end."""
    return loss.to(dtype) if dtype in WIDENED else loss


def _nll(
    log_p: Tensor, target: Tensor, v: Tensor | None, ignored: int | None, reduction: str, smoothing: float = 0.0
) -> Tensor:
    if log_p.dim() == 1:
        loss = _nll(log_p.unsqueeze(0), target.reshape(1), v, ignored, reduction, smoothing)
        return loss.squeeze(0) if reduction == "none" else loss
    counted = None if ignored is None else target != ignored
    target = target.long() if counted is None else target.long() * counted
    y = log_p if log_p.dim() == 2 else log_p.movedim(1, -1)
    loss = -Select.call(y, target.unsqueeze(-1), 1)
    if counted is None and v is None and smoothing <= 0 and reduction != "none":
        total: Tensor = loss.mean() if reduction == "mean" else loss.sum()
        return total
    loss = loss.squeeze(-1)
    if v is not None:
        loss = loss * v[target]
    if smoothing > 0:
        spread = -(y if v is None else y * v).sum(-1)
        loss = (1 - smoothing) * loss + (smoothing / y.shape[-1]) * spread
    if counted is not None:
        # Selected, not multiplied: an ignored target takes nothing from an infinite loss.
        loss = torch.where(counted, loss, 0)
    if reduction != "mean":
        return loss if reduction == "none" else loss.sum()
    if v is None:
        return loss.mean() if counted is None else loss.sum() / counted.sum()
    return loss.sum() / (v[target] if counted is None else v[target] * counted).sum()


def _against_probabilities(y: Tensor, q: Tensor, v: Tensor | None, reduction: str, smoothing: float) -> Tensor:
    axis = min(y.dim() - 1, 1)
    classes = y.shape[axis]
    if smoothing > 0:
        q = q * (1 - smoothing) + smoothing / max(classes, 1)
    terms = y * q
    if v is not None:
        terms = terms * v.reshape(-1, *(1,) * (y.dim() - axis - 1))
    loss = -terms.sum(axis)
    if reduction != "mean":
        return loss if reduction == "none" else loss.sum()
    return loss.sum() / (loss.numel() if classes else 0)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy of logits against class numbers, or against class probabilities.

    Args:
        input: logits, ``(N, C, *S)`` or ``(C,)``; floating point.
        target: class numbers, int64 or uint8, ``(N, *S)`` (``()`` or ``(1,)`` for one sample); or floating point
            probabilities in the shape of `input`.
        weight: a factor per class ``(C,)``, or None; in the dtype of `input` unless `target` holds probabilities.
        size_average, reduce: what `reduction` was until 2018; they win over it, with a warning.
        ignore_index: targets of this value count neither in the sum nor in the mean; negative for probabilities.
        reduction: ``'mean'`` (weighted by `weight` for class numbers, over samples for probabilities; NaN if nothing
            counts), ``'sum'`` or ``'none'``.
        label_smoothing: the part, up to 1, of the target that is spread evenly over the classes; none if negative.

    Returns:
        A scalar, or ``(N, *S)`` for ``'none'``; differentiable in `input`, `weight` and a target of probabilities.

    Raises:
        IndexError: a target outside ``0 … C − 1``.
        TypeError, ValueError, RuntimeError, NotImplementedError: as torch.nn.functional.cross_entropy.
    """
    reduction = reductions.named(reductions.resolved(size_average, reduce, reduction))
    ignore_index = refusals.checked_index(input, target, weight, ignore_index)
    label_smoothing = number_of("label_smoothing", label_smoothing)
    z, q, v = cast("cross_entropy", input, target, weight)
    ignored = None if refusals.check_cross_entropy(z, q, v, ignore_index, label_smoothing) else ignore_index
    y, v = LogSoftmax.call(single(z), min(z.dim() - 1, 1)), _by_class(v)
    if q.shape != z.shape:
        return _rounded(_nll(y, q, v, ignored, reduction, label_smoothing), z.dtype)
    loss = _against_probabilities(y, single(q), v, reduction, label_smoothing)
    return _rounded(loss, torch.promote_types(z.dtype, q.dtype))


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Cross-entropy ``−t·log x − (1 − t)·log(1 − x)`` of probabilities; a logarithm counts as −100 at least.

    Args:
        input: probabilities, any shape; floating point.
        target: numbers from 0 to 1 in the shape and dtype of `input`.
        weight: a factor for every entry, or what broadcasts to it.
        size_average, reduce: what `reduction` was until 2018; they win over it, with a warning.
        reduction: ``'mean'``, ``'sum'`` or ``'none'``.

    Returns:
        A scalar, or the shape of `input` for ``'none'``; differentiable in all three tensors.

    Raises:
        RuntimeError: a number outside 0 … 1.
        AttributeError, TypeError, ValueError, RuntimeError, NotImplementedError: as
            torch.nn.functional.binary_cross_entropy.
    """
    reduction = reductions.named(reductions.resolved(size_average, reduce, reduction))
    refusals.check_same_size(input, target, weight)
    x, t, v = cast("binary_cross_entropy", input, target, weight)
    refusals.check_binary(x, t, v)
    loss: Tensor = BinaryCrossEntropy.call(single(x), single(t))
    return reductions.reduced(loss if v is None else loss * v, reduction, x.dtype)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """`binary_cross_entropy` of ``sigmoid(input)``, without overflow or lost digits at any logit.

    Args:
        input: logits z, any shape; floating point.
        target: numbers from 0 to 1 in the shape of `input`.
        weight: a factor for every entry, or what broadcasts to it.
        size_average, reduce: what `reduction` was until 2018; they win over it, with a warning.
        reduction: ``'mean'``, ``'sum'`` or ``'none'``.
        pos_weight: a factor of ``−t·log σ(z)`` alone, or what broadcasts to it.

    Returns:
        A scalar, or the shape of `input` for ``'none'``, in the dtype of `target`; differentiable in all four tensors.

    Raises:
        AttributeError, TypeError, ValueError, RuntimeError, NotImplementedError: as
            torch.nn.functional.binary_cross_entropy_with_logits.
    """
    reduction = reductions.named(reductions.resolved(size_average, reduce, reduction))
    refusals.check_same_size(input, target, weight, pos_weight)
    z, t, v, u = cast("binary_cross_entropy_with_logits", input, target, weight, pos_weight)
    refusals.check_logits(z, t, v, u)
    wide, p = single(z), single(t)
    if u is None and wide.dtype == p.dtype:
        loss: Tensor = LogitCrossEntropy.call(wide, p)
    else:
        up = p * LogSigmoid.call(wide)
        loss = (p - 1) * LogSigmoid.call(-wide) - (up if u is None else up * u)
    return reductions.reduced(loss if v is None else loss * v, reduction, t.dtype)
