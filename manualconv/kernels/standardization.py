"""Mean, variance and the standardised tensor, in two passes; the scaled one; the gradient in three.

    μ = Σ x / m          v = Σ (x − μ)² / m          r = (v + ε)^(−½)          x̂ = r·(x − μ)
    y = γ·x̂ + β          x̄ = r·(γ·g − a − x̂·b)       a and b the means of γ·g and γ·g·x̂

The variance is that of the centred entries: Σx²/m − μ² loses all its digits where the mean is large beside the
deviation.  Half precision is computed in float32, whose results have it.

Shapes: x, x̂, y and g ``(*I)``; μ, v, r, a and b with size 1 on the axes summed over; γ and β are broadcast.
"""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor

from manualconv.geometry import Axes
from manualconv.torch_internals import is_plain

WIDENED = {torch.float16: torch.float32, torch.bfloat16: torch.float32}


def count(x: Tensor, axes: Axes) -> int:
    """``m``: how many entries share a mean."""
    return prod([x.shape[axis] for axis in axes])


def standardize(x: Tensor, axes: Axes, eps: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """``x̂, r, μ, v``."""
    x = x.to(WIDENED.get(x.dtype, x.dtype))
    mean = x.mean(axes, keepdim=True)
    centred = x - mean
    variance = (centred * centred).mean(axes, keepdim=True)
    r = (variance + eps).rsqrt()
    return (centred.mul_(r) if is_plain(x) else centred * r), r, mean, variance


def scaled(x_hat: Tensor, gamma: Tensor | None, beta: Tensor | None, dtype: torch.dtype) -> Tensor:
    """``γ·x̂ + β`` in `dtype`; never x̂ itself."""
    y = x_hat
    if gamma is not None:
        y = y * gamma
    if beta is not None:
        y = y.add_(beta) if gamma is not None and is_plain(y) else y + beta
    if y.dtype != dtype:
        return y.to(dtype)
    return y.clone() if y is x_hat else y


def to_input(g: Tensor, x_hat: Tensor, r: Tensor, gamma: Tensor | None, a: Tensor, b: Tensor) -> Tensor:
    """``x̄``, with the means a and b given: x̂ first, so that where x̂ and g lie differently x̄ lies as the input does."""
    if torch.is_grad_enabled() or not is_plain(g):
        return (x_hat * -b + (g if gamma is None else g * gamma) - a) * r
    if gamma is None:
        return torch.mul(x_hat, -b).add_(g).sub_(a).mul_(r)
    if prod(torch.broadcast_shapes(gamma.shape, r.shape)) < g.numel():
        return torch.mul(x_hat, -b * r).addcmul_(g, gamma * r).sub_(a * r)
    return torch.mul(x_hat, -b).addcmul_(g, gamma).sub_(a).mul_(r)
