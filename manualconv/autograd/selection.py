"""Select and Scatter: the pair behind max pooling, the negative log-likelihood and every indexed layer.

    Select   y[p] = x[i[p]]                        Scatter   x[l] = Σ_{p : i[p] = l} y[p]

For fixed indices both are linear and each is the other's adjoint: ⟨Select x, y⟩ = Σ_p x[i[p]]·y[p] = ⟨x, Scatter y⟩.

*Max pooling* is Select at i*, the position of each window's maximum.  i* is constant wherever the maximum is unique, so
the derivative is the mask of the article's Fig 13: the cotangent goes back to the position that won and nowhere else,
and where windows overlap their cotangents add.  Ties go to the first position in row-major order.  In the words of
back-propagation it is up(δ), the sampling layer's error put at the argmax: δ_conv = up(δ_pool) ⊙ f′(u).
*Max unpooling* is Place, x[l] = y[p] where i[p] = l: Scatter if no position is named twice.  Otherwise the last entry
stays, and as in torch its gradient is Select all the same.
*Negative log-likelihood* is −mean of Select at the target class.

Shapes: x ``(*B, *I)``, i and y ``(*B, *P)`` with flat positions into ``*I``; `axes` = len(I) = len(P).

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, Figs 12 and 13; notes on
convolution (B9).
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from manualconv.autograd.function import Map, constant_in
from manualconv.autograd.node import as_node
from manualconv.geometry import Axes
from manualconv.kernels import selection as kernels
from manualconv.kernels.interval_maximum import argmax_fractional as _argmax_fractional
from manualconv.kernels.interval_maximum import argmax_intervals as _argmax_intervals
from manualconv.kernels.maximum import argmax as _argmax

#: Where the windows, intervals and fractional windows of a tensor have their maxima.
argmax = as_node(_argmax)
argmax_intervals = as_node(_argmax_intervals)
argmax_fractional = as_node(_argmax_fractional)


def _mapped_first(size: int, t: Tensor, mapped: int | None) -> Tensor:
    """The mapped axis in front; repeated there if t has none."""
    return t.expand(size, *t.shape) if mapped is None else t.movedim(mapped, 0)


class Select(Map):
    """``y[b, p] = x[b, i[b, p]]``."""

    flat = True

    @staticmethod
    def forward(x: Tensor, index: Tensor, axes: int, edge: Tensor | None) -> Tensor:
        return kernels.select(x, index, axes)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, index, ctx.axes, edge = inputs
        ctx.size = tuple(x.shape[x.dim() - ctx.axes :])
        ctx.save_for_backward(index, edge)
        ctx.save_for_forward(index)

    @staticmethod
    def backward(ctx: Any, y_bar: Tensor) -> tuple[Tensor | None, ...]:
        index, edge = ctx.saved_tensors
        return constant_in(edge, Scatter.call(y_bar, index, ctx.size)), None, None, None

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor, *_: Any) -> Tensor:
        (index,) = ctx.saved_tensors
        y_dot: Tensor = Select.call(x_dot, index, ctx.axes)
        return y_dot

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], x: Tensor, index: Tensor, axes: int, _: Any) -> tuple[Tensor, int]:
        x, index = (_mapped_first(info.batch_size, t, at) for t, at in zip((x, index), in_dims))
        return Select.call(x, index, axes), 0


class Scatter(Map):
    """``x[b, l] = Σ_{p : i[b, p] = l} y[b, p]``."""

    @staticmethod
    def forward(y: Tensor, index: Tensor, size: Axes) -> Tensor:
        return kernels.scatter(y, index, size)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, index, ctx.size = inputs
        ctx.save_for_backward(index)
        ctx.save_for_forward(index)

    @staticmethod
    def backward(ctx: Any, x_bar: Tensor) -> tuple[Tensor, None, None]:
        (index,) = ctx.saved_tensors
        return Select.unlinked(x_bar, index, len(ctx.size)), None, None

    @staticmethod
    def jvp(ctx: Any, y_dot: Tensor, _index: None, _size: None) -> Tensor:
        (index,) = ctx.saved_tensors
        x_dot: Tensor = Scatter.call(y_dot, index, ctx.size)
        return x_dot

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], y: Tensor, index: Tensor, size: Axes) -> tuple[Tensor, int]:
        y, index = (_mapped_first(info.batch_size, t, at) for t, at in zip((y, index), in_dims))
        return Scatter.call(y, index, size), 0


class Place(Map):
    """``x[b, l] = y[b, p]`` where ``i[b, p] = l``, the last p if there are several, 0 if there is none."""

    @staticmethod
    def forward(y: Tensor, index: Tensor, size: Axes) -> Tensor:
        return kernels.place(y, index, size)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, index, ctx.size = inputs
        ctx.save_for_backward(index)
        ctx.save_for_forward(index)

    @staticmethod
    def backward(ctx: Any, x_bar: Tensor) -> tuple[Tensor, None, None]:
        (index,) = ctx.saved_tensors
        return Select.unlinked(x_bar, index, len(ctx.size)), None, None

    @staticmethod
    def jvp(ctx: Any, y_dot: Tensor, _index: None, _size: None) -> Tensor:
        (index,) = ctx.saved_tensors
        x_dot: Tensor = Place.call(y_dot, index, ctx.size)
        return x_dot

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], y: Tensor, index: Tensor, size: Axes) -> tuple[Tensor, int]:
        y, index = (_mapped_first(info.batch_size, t, at) for t, at in zip((y, index), in_dims))
        return Place.call(y, index, size), 0
