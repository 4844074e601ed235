"""Normalisation in plain arithmetic: sums over listed axes, roots and powers."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Axes = tuple[int, ...]


def _refused(x: Tensor) -> None:
    """A variance is a square of real numbers."""
    if not x.is_floating_point():
        raise NotImplementedError("normalisation is of real numbers")


def _standardized(x: Tensor, axes: Axes, eps: float) -> Tensor:
    _refused(x)
    m = torch.Size([x.shape[axis] for axis in axes]).numel()
    centred = x - x.sum(axes, keepdim=True) / m
    return centred / ((centred * centred).sum(axes, keepdim=True) / m + eps) ** 0.5


def _channels(t: Tensor, x: Tensor) -> Tensor:
    return t.reshape(-1, *(1,) * (x.dim() - 2))


def batch_norm(eps: float) -> Callable[..., Tensor]:
    """x, γ, β → y over samples and positions."""

    def apply(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        axes = (0, *range(2, x.dim()))
        return _standardized(x, axes, eps) * _channels(weight, x) + _channels(bias, x)

    return apply


def batch_norm_evaluated(mean: tuple[float, ...], variance: tuple[float, ...], eps: float) -> Callable[..., Tensor]:
    """x, γ, β → y by statistics that are given."""

    def apply(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        _refused(x)
        m, v = (_channels(torch.tensor(t, dtype=x.dtype), x) for t in (mean, variance))
        return (x - m) / (v + eps) ** 0.5 * _channels(weight, x) + _channels(bias, x)

    return apply


def instance_norm(eps: float) -> Callable[..., Tensor]:
    """x, γ, β → y over positions."""

    def apply(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return _standardized(x, tuple(range(2, x.dim())), eps) * _channels(weight, x) + _channels(bias, x)

    return apply


def layer_norm(axes: int, eps: float) -> Callable[..., Tensor]:
    """x, γ, β → y over the last axes."""

    def apply(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return _standardized(x, tuple(range(x.dim() - axes, x.dim())), eps) * weight + bias

    return apply


def group_norm(groups: int, eps: float) -> Callable[..., Tensor]:
    """x, γ, β → y over groups of channels and their positions."""

    def apply(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        planes = x.reshape(x.shape[0], groups, -1)
        return _standardized(planes, (2,), eps).reshape(x.shape) * _channels(weight, x) + _channels(bias, x)

    return apply


def local_response_norm(size: int, alpha: float, beta: float, k: float) -> Callable[[Tensor], Tensor]:
    """The sum over neighbouring channels is a product with a matrix of zeros and ones."""

    def apply(x: Tensor) -> Tensor:
        _refused(x)
        c = torch.arange(x.shape[1])
        first = c.unsqueeze(1) - size // 2
        near = ((c >= first) & (c < first + size)).to(x.dtype)
        squares = (x * x).reshape(x.shape[0], x.shape[1], -1)
        mean = (near.reshape(1, *near.shape, 1) * squares.unsqueeze(1)).sum(2) / size
        return x / (k + alpha * mean).reshape(x.shape) ** beta

    return apply
