"""Select and Scatter: the pair behind adaptive max pooling, the negative log-likelihood and every indexed layer.

    Select   y[p] = x[i[p]]                        Scatter   x[l] = Σ_{p : i[p] = l} y[p]

For fixed indices both are linear and each is the other's adjoint: ⟨Select x, y⟩ = Σ_p x[i[p]]·y[p] = ⟨x, Scatter y⟩.

*Max pooling* is Select at i*, the position of the maximum: of intervals and of fractional windows here, of windows by
its tap in `maximum`, where the derivative is explained.
*Max unpooling* is Place, x[l] = y[p] where i[p] = l: Scatter if no position is named twice.  Otherwise the last entry
stays, and as in torch its gradient is Select all the same.
*Negative log-likelihood* is −mean of Select at the target class.

Shapes: x ``(*B, *I)``, i and y ``(*B, *P)`` with flat positions into ``*I``; `axes` = len(I) = len(P).

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, Figs 12 and 13; notes on
convolution (B9).
"""

from __future__ import annotations

from torch import Tensor

from manualconv.autograd.kinds import Linear
from manualconv.autograd.node import as_node
from manualconv.geometry import Axes
from manualconv.kernels.pooling import selection as kernels
from manualconv.kernels.pooling.interval_maximum import argmax_fractional as _argmax_fractional
from manualconv.kernels.pooling.interval_maximum import argmax_intervals as _argmax_intervals
from manualconv.kernels.pooling.maximum import argmax as _argmax

#: Where the windows, intervals and fractional windows of a tensor have their maxima.
argmax = as_node(_argmax)
argmax_intervals = as_node(_argmax_intervals)
argmax_fractional = as_node(_argmax_fractional)


class Select(Linear):
    """``y[b, p] = x[b, i[b, p]]``."""

    flat = True
    sampled = True

    @staticmethod
    def forward(x: Tensor, index: Tensor, axes: int, edge: Tensor | None) -> Tensor:
        return kernels.select(x, index, axes)

    @staticmethod
    def adjoint(y_bar: Tensor, shape: Axes, index: Tensor, axes: int) -> Tensor:
        x_bar: Tensor = Scatter.call(y_bar, index, shape[len(shape) - axes :])
        return x_bar


class Scatter(Linear):
    """``x[b, l] = Σ_{p : i[b, p] = l} y[b, p]``."""

    sampled = True

    @staticmethod
    def forward(y: Tensor, index: Tensor, size: Axes) -> Tensor:
        return kernels.scatter(y, index, size)

    @staticmethod
    def adjoint(x_bar: Tensor, shape: Axes, index: Tensor, size: Axes) -> Tensor:
        y_bar: Tensor = Select.unlinked(x_bar, index, len(size))
        return y_bar


class Place(Linear):
    """``x[b, l] = y[b, p]`` where ``i[b, p] = l``, the last p if there are several, 0 if there is none."""

    sampled = True

    @staticmethod
    def forward(y: Tensor, index: Tensor, size: Axes) -> Tensor:
        return kernels.place(y, index, size)

    @staticmethod
    def adjoint(x_bar: Tensor, shape: Axes, index: Tensor, size: Axes) -> Tensor:
        y_bar: Tensor = Select.unlinked(x_bar, index, len(size))
        return y_bar
