"""The functions that losses apply to every entry.

    huber                 r²/2c where |r| ≤ δ, else (|r| − δ/2)·δ/c
    binary_cross_entropy  −t·log x − (1 − t)·log(1 − x)

Numbers of 16 bits are computed with in 32, and rounded once.

Shapes: any; the same in and out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import torch
from torch import Tensor

#: Where torch cuts off the logarithm of a probability, and the product x·(1 − x) in a denominator: a float32 number.
LOWEST, LEAST = -100.0, float(torch.tensor(1e-12, dtype=torch.float32, device="cpu"))


def _rounded_once(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The function, through float32 for halves of it."""

    @wraps(function)
    def wide(*args: Tensor | float) -> Tensor:
        halves = [a for a in args if isinstance(a, Tensor) and a.dtype in (torch.float16, torch.bfloat16)]
        if not halves:
            return function(*args)
        return function(*(a.float() if isinstance(a, Tensor) else a for a in args)).to(halves[0].dtype)

    return wide


@_rounded_once
def huber(r: Tensor, delta: float, divisor: float) -> Tensor:
    """A parabola in the middle, straight lines outside."""
    a = r.abs()
    return torch.where(a <= delta, 0.5 * a * a / divisor, (a - 0.5 * delta) * (delta / divisor))


@_rounded_once
def binary_cross_entropy(x: Tensor, t: Tensor) -> Tensor:
    """Of the probability x of a coin against t."""
    return (t - 1) * torch.log1p(-x).clamp(min=LOWEST) - t * torch.log(x).clamp(min=LOWEST)
