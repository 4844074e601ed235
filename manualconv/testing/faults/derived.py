"""A right value with another gradient: how most faults of backward passes are planted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

Layer = Callable[..., Tensor]


def with_gradient_of(right: Layer, wrong: Layer) -> Layer:
    """The value of one function, differentiated as the other; where they are finite."""

    def layer(*args: Any, **options: Any) -> Tensor:
        other = wrong(*args, **options)
        return right(*args, **options).detach() + (other - other.detach())

    return layer


class _Backward(Function):
    """The identity, whose cotangent is changed."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
        ctx.change = change
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor, None]:
        return ctx.change(cotangent), None


def going_back(x: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """x, whose gradient is changed on its way back."""
    y: Tensor = _Backward.apply(x, change)
    return y


def half(x: Tensor) -> Tensor:
    """x, which gets half its gradient."""
    return 0.5 * x + 0.5 * x.detach()


def rounded(x: Tensor, dtype: torch.dtype) -> Tensor:
    """x through a dtype and back."""
    return x.to(dtype).to(x.dtype)
