"""Convolution and its two gradients: three slots of one trilinear form.

    T(x, w, y) = Σ  x[n, (g c), s·p + d·k − a] · w[(g o), c, k] · y[n, (g o), p]         (x = 0 outside)

    Convolution            y = ∂T/∂y   to_output(x, w)    Z = W ∗ A_prev + b                  article (B1), Fig 8
    TransposedConvolution  x = ∂T/∂x   to_input(w, y)     dA_prev: overlap-add of W·dZ        article (B4), Figs 10, 11
    WeightCorrelation      w = ∂T/∂w   to_weight(x, y)    dW: correlation of A_prev with dZ   article (B5)

T is linear in each slot, so a gradient is T with the cotangent in the empty slot and one other slot emptied:

    map, cotangent         w.r.t. x           w.r.t. w           w.r.t. y
    to_output(x, w), ȳ     to_input(w, ȳ)     to_weight(x, ȳ)    –
    to_input(w, y),  x̄     –                  to_weight(x̄, y)    to_output(x̄, w)
    to_weight(x, y), w̄     to_input(w̄, y)     –                  to_output(x, w̄)

Nothing but the three maps stands in the table: every order of derivative is made of them.  A bias is added along the
channels, b ↦ y + b, and its gradient is the sum of the cotangent over batch and positions (`SumToBias`).
For complex tensors the other argument is conjugated.  Forward mode is the product rule, that of `Bilinear`.

Shapes: x ``(N, C, *I)``, w ``(O, C/g, *K)``, y ``(N, O, *P)``, b ``(O,)``; `window` is always the convolution's.
A mapped axis (``vmap``) folds into N where the weights are shared and into the groups where they are not.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*; Dumoulin and Visin, arXiv 1603.07285.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor

from manualconv.autograd.function import conj, fold, recorded, unfold
from manualconv.autograd.kinds import Bilinear
from manualconv.autograd.summation import SpreadBias, SumToBias
from manualconv.geometry import Window
from manualconv.kernels.correlation import maps as kernels


def _biased(z: Tensor, b: Tensor | None, axes: int) -> Tensor:
    """z ``(N, O, *P)`` + b ``(O,)``, or mapped: z ``(B, N, O, *P)`` + b ``(O,)`` or ``(B, O)``; `axes` is len(P)."""
    if b is None:
        return z
    return z + b.reshape(*b.shape[:-1], *(1,) * (b.dim() - 1), b.shape[-1], *(1,) * axes)


def _between(t: Tensor, mapped: int, groups: int, axis: int) -> Tensor:
    """Fold a mapped axis between the groups and the channels of a group: axis ``(g c)`` → ``(g B c)``."""
    t = t.movedim(mapped, 0).unflatten(axis + 1, (groups, -1))
    return t.movedim(0, axis + 1).flatten(axis, axis + 2)


def _beside(t: Tensor, size: int, groups: int, axis: int) -> Tensor:
    """Undo `_between`: axis ``(g B c)`` → a leading mapped axis and ``(g c)``."""
    t = t.unflatten(axis, (groups, size, -1)).movedim(axis + 1, 0)
    return t.flatten(axis + 1, axis + 2)


class Convolution(Bilinear):
    """``y[n, (g o), p] = b[(g o)] + Σ_{c,k} x[n, (g c), s·p + d·k − a] · w[(g o), c, k]``."""

    @staticmethod
    def forward(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
        return kernels.to_output(x, w, b, window)

    @staticmethod
    def backward(ctx: Any, y_bar: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        x, w = ctx.saved_tensors
        x_bar = TransposedConvolution.call(conj(w), y_bar, None, ctx.window) if ctx.needs_input_grad[0] else None
        w_bar = WeightCorrelation.call(conj(x), y_bar, ctx.window) if ctx.needs_input_grad[1] else None
        b_bar = SumToBias.call(y_bar) if ctx.needs_input_grad[2] else None
        # Torch's linear is made of products, whose gradients have the graphs that they need.
        if ctx.window.ndim and any(ctx.needs_input_grad[:2]):
            x_bar, w_bar, b_bar = recorded(x_bar, w_bar, b_bar)
        return x_bar, w_bar, b_bar, None

    @staticmethod
    def added(b: Tensor, x: Tensor, w: Tensor, window: Window) -> Tensor:
        y: Tensor = SpreadBias.call(b, x.shape[0], window.output_size)
        return y

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], x: Tensor, w: Tensor, b: Tensor | None, window: Window
    ) -> tuple[Tensor, int]:
        size, (x_at, w_at, b_at, _) = info.batch_size, in_dims
        if w_at is None and x_at is None:
            y = Convolution.call(x, w, None, window).unsqueeze(0)
        elif w_at is None:
            y = unfold(Convolution.call(fold(x, x_at, size, 0), w, None, window), size, 0)
        elif x_at is None:
            y = _beside(Convolution.call(x, _between(w, w_at, window.groups, 0), None, window), size, window.groups, 1)
        else:
            grouped = replace(window, groups=size * window.groups)
            y = Convolution.call(fold(x, x_at, size, 1), fold(w, w_at, size, 0), None, grouped)
            y = unfold(y, size, 1).movedim(1, 0)
        return _biased(y, b if b is None or b_at is None else b.movedim(b_at, 0), window.ndim), 0


class TransposedConvolution(Bilinear):
    """``x[n, (g c), i] = b[(g c)] + Σ_{o,k,p : s·p + d·k − a = i} w[(g o), c, k] · y[n, (g o), p]``."""

    @staticmethod
    def forward(w: Tensor, y: Tensor, b: Tensor | None, window: Window) -> Tensor:
        return kernels.to_input(w, y, window, b)

    @staticmethod
    def backward(ctx: Any, x_bar: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        w, y = ctx.saved_tensors
        w_bar = WeightCorrelation.call(x_bar, conj(y), ctx.window) if ctx.needs_input_grad[0] else None
        y_bar = Convolution.call(x_bar, conj(w), None, ctx.window) if ctx.needs_input_grad[1] else None
        b_bar = SumToBias.call(x_bar) if ctx.needs_input_grad[2] else None
        if ctx.window.ndim and any(ctx.needs_input_grad[:2]):
            w_bar, y_bar, b_bar = recorded(w_bar, y_bar, b_bar)
        return w_bar, y_bar, b_bar, None

    @staticmethod
    def added(b: Tensor, w: Tensor, y: Tensor, window: Window) -> Tensor:
        x: Tensor = SpreadBias.call(b, y.shape[0], window.input_size)
        return x

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], w: Tensor, y: Tensor, b: Tensor | None, window: Window
    ) -> tuple[Tensor, int]:
        size, (w_at, y_at, b_at, _) = info.batch_size, in_dims
        if w_at is None and y_at is None:
            x = TransposedConvolution.call(w, y, None, window).unsqueeze(0)
        elif w_at is None:
            x = unfold(TransposedConvolution.call(w, fold(y, y_at, size, 0), None, window), size, 0)
        elif y_at is None:
            x = TransposedConvolution.call(fold(w, w_at, size, 1), y, None, window)
            x = _beside(x, size, window.groups, 1)
        else:
            grouped = replace(window, groups=size * window.groups)
            x = TransposedConvolution.call(fold(w, w_at, size, 0), fold(y, y_at, size, 1), None, grouped)
            x = unfold(x, size, 1).movedim(1, 0)
        return _biased(x, b if b is None or b_at is None else b.movedim(b_at, 0), window.ndim), 0


class WeightCorrelation(Bilinear):
    """``w[(g o), c, k] = Σ_{n,p} x[n, (g c), s·p + d·k − a] · y[n, (g o), p]``."""

    @staticmethod
    def forward(x: Tensor, y: Tensor, window: Window) -> Tensor:
        return kernels.to_weight(x, y, window)

    @staticmethod
    def backward(ctx: Any, w_bar: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, y = ctx.saved_tensors
        x_bar = TransposedConvolution.call(w_bar, conj(y), None, ctx.window) if ctx.needs_input_grad[0] else None
        y_bar = Convolution.call(conj(x), w_bar, None, ctx.window) if ctx.needs_input_grad[1] else None
        return x_bar, y_bar, None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], x: Tensor, y: Tensor, window: Window) -> tuple[Tensor, int]:
        size, (x_at, y_at, _) = info.batch_size, in_dims
        if x_at is None:
            assert y_at is not None
            w = WeightCorrelation.call(x, _between(y, y_at, window.groups, 1), window)
            return _beside(w, size, window.groups, 0), 0
        if y_at is None:
            w = WeightCorrelation.call(_between(x, x_at, window.groups, 1), y, window)
            return unfold(w, size, 1), 1
        grouped = replace(window, groups=size * window.groups)
        w = WeightCorrelation.call(fold(x, x_at, size, 1), fold(y, y_at, size, 1), grouped)
        return unfold(w, size, 0), 0
