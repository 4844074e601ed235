"""Pointwise maps: the Jacobian is diagonal, dZ = dA ⊙ g′(Z), and written in the output where that is possible.

    ReLU      y = max(z, 0)          φ′ = 1[y > 0], with 0 at 0
    Sigmoid   y = 1/(1 + e^(−z))     φ′ = y·(1 − y)
    Tanh      y = tanh z             φ′ = 1 − y²
    Square    y = z²                 φ′ = 2·z                      squared error is the mean of Square(x − t)

A diagonal is its own transpose, so forward and reverse mode multiply by the same φ′ (`times_slope`), conjugated on the
way back if complex, and further orders differentiate that product: y is this Function's own output, so its derivative
is again φ′.

Shapes: any; the same in and out.  Source: article (B3); notes on convolution and collected notes (B14).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manualconv.autograd.correlation import conj
from manualconv.autograd.function import Map
from manualconv.kernels.pointwise import gate


class Pointwise(Map):
    """A map that acts on every entry alone.

    Subclasses give ``forward`` and ``times_slope(y, t) = φ′ ⊙ t``, where φ′ of conj(y) is conj(φ′).
    """

    times_slope: Callable[[Tensor, Tensor], Tensor]

    def __init_subclass__(cls) -> None:
        if "times_slope" in cls.__dict__:
            times_slope = cls.times_slope

            def pushed(ctx: Any, t: Tensor) -> Tensor:
                return times_slope(ctx.saved_tensors[0], t)

            def pulled(ctx: Any, t: Tensor) -> Tensor:
                return times_slope(conj(ctx.saved_tensors[0]), t)

            def entry_by_entry(info: Any, in_dims: tuple[int], z: Tensor) -> tuple[Tensor, int]:
                return cls.call(z), in_dims[0]

            for name, rule in (("backward", pulled), ("jvp", pushed), ("vmap", entry_by_entry)):
                setattr(cls, name, staticmethod(rule))
        super().__init_subclass__()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(output)
        ctx.save_for_forward(output)


class ReLU(Pointwise):
    """``y = max(z, 0)``."""

    @staticmethod
    def forward(z: Tensor) -> Tensor:
        return z.clamp(min=0)

    @staticmethod
    def times_slope(y: Tensor, t: Tensor) -> Tensor:
        kept: Tensor = Gate.call(t, y)
        return kept


class Gate(Map):
    """``t ⊙ 1[not y ≤ 0]``, linear in t and its own adjoint: a NaN in y lets t through, as torch's kernel does."""

    @staticmethod
    def forward(t: Tensor, y: Tensor) -> Tensor:
        return gate(t, y)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(inputs[1])
        ctx.save_for_forward(inputs[1])

    @staticmethod
    def backward(ctx: Any, t_bar: Tensor) -> tuple[Tensor, None]:
        return Gate.call(t_bar, ctx.saved_tensors[0]), None

    @staticmethod
    def jvp(ctx: Any, t_dot: Tensor, _: None) -> Tensor:
        kept: Tensor = Gate.call(t_dot, ctx.saved_tensors[0])
        return kept

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, int | None], t: Tensor, y: Tensor) -> tuple[Tensor, int]:
        t_at, y_at = in_dims
        t, y = (u.unsqueeze(0) if at is None else u.movedim(at, 0) for u, at in ((t, t_at), (y, y_at)))
        return Gate.call(t.expand(info.batch_size, *t.shape[1:]), y), 0


class Sigmoid(Pointwise):
    """``y = 1/(1 + e^(−z))``."""

    @staticmethod
    def forward(z: Tensor) -> Tensor:
        return torch.sigmoid(z)

    @staticmethod
    def times_slope(y: Tensor, t: Tensor) -> Tensor:
        return t * (y * (1 - y))


class Tanh(Pointwise):
    """``y = tanh z``."""

    @staticmethod
    def forward(z: Tensor) -> Tensor:
        return torch.tanh(z)

    @staticmethod
    def times_slope(y: Tensor, t: Tensor) -> Tensor:
        return t * (1 - y * y)


class Square(Pointwise):
    """``y = z²``; the one here whose slope needs the input."""

    @staticmethod
    def forward(z: Tensor) -> Tensor:
        return z * z

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def times_slope(z: Tensor, t: Tensor) -> Tensor:
        return t * (2 * z)
