"""The functions that losses apply to every entry.

    huber                 r²/2c where |r| ≤ δ, else (|r| − δ/2)·δ/c
    binary_cross_entropy  −t·log x − (1 − t)·log(1 − x)
    logit_cross_entropy   z·(1[z > 0] − t) + log(1 + e^(−|z|))

Half precision is computed in float32 and rounded once.

Shapes: any; the same in and out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps

import torch
from torch import Tensor

from manualconv.torch_internals import is_plain

#: Where torch cuts off the logarithm of a probability, and the product x·(1 − x) in a denominator: a float32 number.
LOWEST, LEAST = -100.0, float(torch.tensor(1e-12, dtype=torch.float32, device="cpu"))


def _rounded_once(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The function, in float32 for half-precision arguments."""

    @wraps(function)
    def wide(*args: Tensor | float) -> Tensor:
        halves = [a for a in args if isinstance(a, Tensor) and a.dtype in (torch.float16, torch.bfloat16)]
        if not halves:
            return function(*args)
        return function(*(a.float() if isinstance(a, Tensor) else a for a in args)).to(halves[0].dtype)

    return wide


@_rounded_once
def huber(r: Tensor, delta: float, divisor: float) -> Tensor:
    """A parabola in the middle, straight lines outside.

    The dtype of r may not hold c, but holds its root: so r is divided by the root of c, twice.
    """
    a = r.abs()
    return torch.where(a <= delta, _parabola(a, divisor), (a - 0.5 * delta) * (delta / divisor))


def _parabola(a: Tensor, divisor: float) -> Tensor:
    """``a²/2c``; a² alone over- or underflows where the quotient does not."""
    if _is_moderate(divisor):
        return 0.5 * a * (a / divisor)
    h = a / _root(a, divisor)
    return 0.5 * h * h


def divided(r: Tensor, divisor: float) -> Tensor:
    """``r/c``."""
    if _is_moderate(divisor):
        return r / divisor
    root = _root(r, divisor)
    return r / root / root


def _is_moderate(divisor: float) -> bool:
    return 2.0**-100 < divisor < 2.0**100


def _root(r: Tensor, divisor: float) -> float:
    """``√c``, not 0 in the dtype of r, so that 0 divided by it is 0."""
    kind = torch.finfo(r.dtype)
    return max(math.sqrt(divisor), kind.smallest_normal * kind.eps)


@_rounded_once
def binary_cross_entropy(x: Tensor, t: Tensor) -> Tensor:
    """Of the probability x of a coin against t."""
    return (t - 1) * torch.log1p(-x).clamp(min=LOWEST) - t * torch.log(x).clamp(min=LOWEST)


@_rounded_once
def logit_cross_entropy(z: Tensor, t: Tensor) -> Tensor:
    """Of the coin whose probability is σ(z) against t; no term cancels another for t from 0 to 1."""
    above = (z > 0).to(z.dtype)
    if is_plain(z, t):
        # Temporaries are overwritten, to save memory.
        return torch.sub(above, t, out=above).mul_(z).add_(z.abs().neg_().exp_().log1p_())
    return z * (above - t) + torch.log1p(torch.exp(-z.abs()))
