"""A coefficient per channel: three slots of a trilinear form that is a convolution's with one tap and C groups.

    T(x, w, y) = Σ x[n, c, p] · w[c] · y[n, c, p]

    ScaleChannels   y = ∂T/∂y, b added    y[n, c, p] = w[c]·x[n, c, p] + b[c]
    ScaleChannels   x = ∂T/∂x             the same map: T does not change when x and y change places
    DotChannels     w = ∂T/∂w             w[c] = Σ_{n,p} x[n, c, p]·y[n, c, p]

T is linear in each slot, so the cotangent goes into the empty slot and another slot is emptied:

    map, cotangent               w.r.t. x                w.r.t. w             w.r.t. y               w.r.t. b
    ScaleChannels(x, w, b), ȳ    ScaleChannels(ȳ, w)     DotChannels(x, ȳ)    –                      SumToBias(ȳ)
    DotChannels(x, y), w̄         ScaleChannels(y, w̄)     –                    ScaleChannels(x, w̄)    –

Nothing else stands in the table, so every order closes.  For complex tensors the other argument is conjugated.

Shapes: x, y ``(N, C, *P)``, w, b ``(C,)``; dtypes equal.  Under ``vmap`` the mapped axis folds into N where the
coefficients are shared and into C where they are not.

Source: LeCun, Bottou, Bengio and Haffner, *Gradient-based learning applied to document recognition* (1998), section
II.B, whose sub-sampling layers have one coefficient and one bias a map; collected notes (B12).
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from manualconv.autograd.function import conj, fold, recorded, unfold
from manualconv.autograd.kinds import Bilinear
from manualconv.autograd.summation import SpreadBias, SumToBias
from manualconv.kernels.entrywise import scaling as kernels


class ScaleChannels(Bilinear):
    """``y[n, c, p] = w[c]·x[n, c, p] + b[c]``."""

    @staticmethod
    def forward(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
        return kernels.scale_channels(x, w, b)

    @staticmethod
    def backward(ctx: Any, y_bar: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, w = ctx.saved_tensors
        x_bar = ScaleChannels.call(y_bar, conj(w), None) if ctx.needs_input_grad[0] else None
        w_bar = DotChannels.call(conj(x), y_bar) if ctx.needs_input_grad[1] else None
        b_bar = SumToBias.call(y_bar) if ctx.needs_input_grad[2] else None
        if any(ctx.needs_input_grad[:2]):
            x_bar, w_bar, b_bar = recorded(x_bar, w_bar, b_bar)
        return x_bar, w_bar, b_bar

    @staticmethod
    def added(b: Tensor, x: Tensor, w: Tensor) -> Tensor:
        y: Tensor = SpreadBias.call(b, x.shape[0], tuple(x.shape[2:]))
        return y

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], x: Tensor, w: Tensor, b: Tensor | None) -> tuple[Tensor, int]:
        size, (x_at, w_at, b_at) = info.batch_size, in_dims
        if w_at is None and b_at is None:
            return unfold(ScaleChannels.call(fold(x, x_at, size, 0), w, b), size, 0), 0
        b = b if b is None else fold(b, b_at, size, 0)
        return unfold(ScaleChannels.call(fold(x, x_at, size, 1), fold(w, w_at, size, 0), b), size, 1), 1


class DotChannels(Bilinear):
    """``w[c] = Σ_{n,p} x[n, c, p]·y[n, c, p]``."""

    @staticmethod
    def forward(x: Tensor, y: Tensor) -> Tensor:
        return kernels.dot_channels(x, y)

    @staticmethod
    def backward(ctx: Any, w_bar: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, y = ctx.saved_tensors
        x_bar = ScaleChannels.call(conj(y), w_bar, None) if ctx.needs_input_grad[0] else None
        y_bar = ScaleChannels.call(conj(x), w_bar, None) if ctx.needs_input_grad[1] else None
        return x_bar, y_bar

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, int | None], x: Tensor, y: Tensor) -> tuple[Tensor, int]:
        size = info.batch_size
        x, y = (fold(t, at, size, 1) for t, at in zip((x, y), in_dims))
        return unfold(DotChannels.call(x, y), size, 0), 0
