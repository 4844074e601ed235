"""Sums and their adjoints: the window sums of average pooling, and the bias.

    SumWindows     y[n, c, p] = Σ_k x[n, c, s·p + d·k − a]                x = 0 outside
    SpreadWindows  x[n, c, i] = Σ_{k,p : s·p + d·k − a = i} y[n, c, p]    ⟨SumWindows x, y⟩ = ⟨x, SpreadWindows y⟩
    SumToBias      b[o] = Σ_{n,p} y[n, o, p]                              db = Σ dZ
    SpreadBias     y[n, o, p] = b[o]                                      ⟨SpreadBias b, y⟩ = ⟨b, SumToBias y⟩

Each is linear, so its derivative is itself forwards and its partner backwards, at every order.  The gradient of
SumWindows is constant in x, so its derivative by x is zeros, as in torch's average pooling: see `constant_in`.
Average pooling is ``D·SumWindows`` with the diagonal D = 1/count; its gradient spreads δ/count over each window.

Shapes: x ``(N, C, *I)``, y ``(N, C, *P)``, b ``(O,)``.  Source: article (B6); notes on convolution (B10).
"""

from __future__ import annotations

from torch import Tensor

from manualconv.autograd.kinds import Linear
from manualconv.geometry import Axes, Window
from manualconv.kernels.pooling import summation as kernels


class SumWindows(Linear):
    """``y[n, c, p] = Σ_k x[n, c, s·p + d·k − a]``."""

    flat = True
    folded = (0, 0)

    @staticmethod
    def forward(x: Tensor, window: Window, edge: Tensor | None) -> Tensor:
        return kernels.sum_windows(x, window)

    @staticmethod
    def adjoint(y_bar: Tensor, shape: Axes, window: Window) -> Tensor:
        x_bar: Tensor = SpreadWindows.call(y_bar, window)
        return x_bar


class SpreadWindows(Linear):
    """``x[n, c, i] = Σ_{k,p : s·p + d·k − a = i} y[n, c, p]``."""

    folded = (0, 0)

    @staticmethod
    def forward(y: Tensor, window: Window) -> Tensor:
        return kernels.spread_windows(y, window)

    @staticmethod
    def adjoint(x_bar: Tensor, shape: Axes, window: Window) -> Tensor:
        y_bar: Tensor = SumWindows.call(x_bar, window)
        return y_bar


class SumToBias(Linear):
    """``b[o] = Σ_{n,p} y[n, o, p]``: a sum over all axes but the channels, without a mean."""

    folded = (1, 0)

    @staticmethod
    def forward(y: Tensor) -> Tensor:
        return kernels.sum_to_bias(y)

    @staticmethod
    def adjoint(b_bar: Tensor, shape: Axes) -> Tensor:
        y_bar: Tensor = SpreadBias.call(b_bar, shape[0], shape[2:])
        return y_bar


class SpreadBias(Linear):
    """``y[n, o, p] = b[o]`` for a batch of N and output sizes ``*P``."""

    folded = (0, 1)

    @staticmethod
    def forward(b: Tensor, batch: int, size: Axes) -> Tensor:
        return kernels.spread_bias(b, batch, size)

    @staticmethod
    def adjoint(y_bar: Tensor, shape: Axes, batch: int, size: Axes) -> Tensor:
        b_bar: Tensor = SumToBias.call(y_bar)
        return b_bar
