"""Mean, variance and the standardised tensor, centred twice; the scaled one; the gradient in three passes.

    m₁ = Σ x / m         m₂ = Σ (x − m₁) / m         μ = m₁ + m₂               c = (x − m₁) − m₂
    v = Σ c² / m         r = (v + ε)^(−½)            x̂ = r·c
    y = γ·x̂ + β          x̄ = r·(γ·g − level − x̂·along)       level and along the means of γ·g and γ·g·x̂

The variance is that of the centred entries: Σx²/m − μ² loses all its digits where the mean is large beside the
deviation.  m₁ is off by roundings of |x|; m₂ is what is left, and off by roundings of |c| only.  So no digit of x̂ is
lost to an offset: |x̂ − x̂*| ≤ (4 + log₂ m)·u·(|x̂| + Σ|x̂|/m), u half the distance of the dtype's numbers at one, and
x̄ likewise.  Half precision is computed in float32, whose results have it.

Shapes: x, x̂, y and g ``(*I)``; μ, v, r, level and along with size 1 on the axes summed over; γ and β are broadcast.
"""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor

from manualconv.geometry import Axes
from manualconv.kernels.precision import single
from manualconv.torch_internals import is_plain, is_unrecorded


def count(x: Tensor, axes: Axes) -> int:
    """``m``: how many entries share a mean."""
    return prod([x.shape[axis] for axis in axes])


def reciprocal_deviation(variance: Tensor, eps: float) -> Tensor:
    """``r = (v + ε)^(−½)``; in float64 where ε would be 0 or infinite in float32, and r is neither."""
    if 1e-30 < eps < 1e30 or eps == 0 or variance.dtype == torch.float64:
        return (variance + eps).rsqrt()
    return (variance.double() + eps).rsqrt().to(variance.dtype)


def standardize(
    x: Tensor, gamma: Tensor | None, beta: Tensor | None, axes: Axes, eps: float
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """``x̂, r, y, μ, v``, y in the dtype of x and never x̂ itself."""
    dtype = x.dtype
    x = single(x)
    plain = is_plain(x)
    mean = x.mean(axes, keepdim=True)
    centred = x - mean
    rest = centred.mean(axes, keepdim=True)
    centred = centred.sub_(rest) if plain else centred - rest
    mean = mean + rest
    squares = centred * centred
    variance = squares.mean(axes, keepdim=True)
    r = reciprocal_deviation(variance, eps)
    if plain:
        # Temporaries are overwritten: a large block of memory costs more to get than to fill.
        x_hat = centred.mul_(r)
        return x_hat, r, _scaled(x_hat, gamma, beta, squares).to(dtype), mean, variance
    x_hat = centred * r
    return x_hat, r, _scaled(x_hat, gamma, beta).to(dtype), mean, variance


def _scaled(x_hat: Tensor, gamma: Tensor | None, beta: Tensor | None, room: Tensor | None = None) -> Tensor:
    """``γ·x̂ + β``, in the memory of `room` if there is one."""
    if gamma is None:
        first = x_hat.clone() if room is None else room.copy_(x_hat)
    else:
        first = torch.mul(x_hat, gamma, out=room)
    if beta is None:
        return first
    return first + beta if room is None else first.add_(beta)


def to_input(
    g: Tensor, x_hat: Tensor, r: Tensor, gamma: Tensor | None, level: Tensor, along: Tensor, room: Tensor | None = None
) -> Tensor:
    """``x̄``, with the means given; x̂ first, so that where x̂ and g lie differently x̄ lies as the input does.

    `room` is a tensor of the size of x that is not needed any more: outside a graph x̄ takes its memory.
    """
    if not is_unrecorded(g, x_hat):
        return (x_hat * -along + (g if gamma is None else g * gamma) - level) * r
    if gamma is None:
        return torch.mul(x_hat, -along, out=room).add_(g).sub_(level).mul_(r)
    # torch.broadcast_shapes would import sympy: half a second of a process's first step.
    if torch.broadcast_tensors(gamma, r)[0].numel() < g.numel():
        return torch.mul(x_hat, -along * r, out=room).addcmul_(g, gamma * r).sub_(level * r)
    return torch.mul(x_hat, -along, out=room).addcmul_(g, gamma).sub_(level).mul_(r)
