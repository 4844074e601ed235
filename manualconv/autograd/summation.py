"""Sums and their adjoints: the window sums of average pooling, and the bias.

    SumWindows     y[n, c, p] = Σ_k x[n, c, s·p + d·k − a]                x = 0 outside
    SpreadWindows  x[n, c, i] = Σ_{k,p : s·p + d·k − a = i} y[n, c, p]    ⟨SumWindows x, y⟩ = ⟨x, SpreadWindows y⟩
    SumToBias      b[o] = Σ_{n,p} y[n, o, p]                              db = Σ dZ
    SpreadBias     y[n, o, p] = b[o]                                      ⟨SpreadBias b, y⟩ = ⟨b, SumToBias y⟩

Each is linear, so its derivative is itself forwards and its partner backwards, at every order.  The gradient of
SumWindows is constant in x, as torch's average pooling says by zeros: `constant_in`.  Average pooling is
``D·SumWindows`` with the diagonal D = 1/count; its gradient spreads δ/count over each window.

Shapes: x ``(N, C, *I)``, y ``(N, C, *P)``, b ``(O,)``.  Source: article (B6); notes on convolution (B10).
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from manualconv.autograd.function import Map, constant_in, fold, unfold
from manualconv.geometry import Axes, Window
from manualconv.kernels import summation as kernels


class SumWindows(Map):
    """``y[n, c, p] = Σ_k x[n, c, s·p + d·k − a]``."""

    flat = True

    @staticmethod
    def forward(x: Tensor, window: Window, edge: Tensor | None) -> Tensor:
        return kernels.sum_windows(x, window)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, ctx.window, edge = inputs
        ctx.save_for_backward(edge)

    @staticmethod
    def backward(ctx: Any, y_bar: Tensor) -> tuple[Tensor, None, None]:
        return constant_in(ctx.saved_tensors[0], SpreadWindows.call(y_bar, ctx.window)), None, None

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor, *_: Any) -> Tensor:
        y_dot: Tensor = SumWindows.call(x_dot, ctx.window)
        return y_dot

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], x: Tensor, window: Window, _: Any) -> tuple[Tensor, int]:
        return unfold(SumWindows.call(fold(x, in_dims[0], info.batch_size, 0), window), info.batch_size, 0), 0


class SpreadWindows(Map):
    """``x[n, c, i] = Σ_{k,p : s·p + d·k − a = i} y[n, c, p]``."""

    @staticmethod
    def forward(y: Tensor, window: Window) -> Tensor:
        return kernels.spread_windows(y, window)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, ctx.window = inputs

    @staticmethod
    def backward(ctx: Any, x_bar: Tensor) -> tuple[Tensor, None]:
        return SumWindows.call(x_bar, ctx.window), None

    @staticmethod
    def jvp(ctx: Any, y_dot: Tensor, _: None) -> Tensor:
        x_dot: Tensor = SpreadWindows.call(y_dot, ctx.window)
        return x_dot

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], y: Tensor, window: Window) -> tuple[Tensor, int]:
        return unfold(SpreadWindows.call(fold(y, in_dims[0], info.batch_size, 0), window), info.batch_size, 0), 0


class SumToBias(Map):
    """``b[o] = Σ_{n,p} y[n, o, p]``: a sum over all axes but the channels, without a mean."""

    @staticmethod
    def forward(y: Tensor) -> Tensor:
        return kernels.sum_to_bias(y)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        (y,) = inputs
        ctx.batch, ctx.size = y.shape[0], tuple(y.shape[2:])

    @staticmethod
    def backward(ctx: Any, b_bar: Tensor) -> Tensor:
        y_bar: Tensor = SpreadBias.call(b_bar, ctx.batch, ctx.size)
        return y_bar

    @staticmethod
    def jvp(ctx: Any, y_dot: Tensor) -> Tensor:
        b_dot: Tensor = SumToBias.call(y_dot)
        return b_dot

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int], y: Tensor) -> tuple[Tensor, int]:
        return unfold(SumToBias.call(fold(y, in_dims[0], info.batch_size, 1)), info.batch_size, 0), 0


class SpreadBias(Map):
    """``y[n, o, p] = b[o]`` for a batch of N and output sizes ``*P``."""

    @staticmethod
    def forward(b: Tensor, batch: int, size: Axes) -> Tensor:
        return kernels.spread_bias(b, batch, size)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, ctx.batch, ctx.size = inputs

    @staticmethod
    def backward(ctx: Any, y_bar: Tensor) -> tuple[Tensor, None, None]:
        return SumToBias.call(y_bar), None, None

    @staticmethod
    def jvp(ctx: Any, b_dot: Tensor, _batch: None, _size: None) -> Tensor:
        y_dot: Tensor = SpreadBias.call(b_dot, ctx.batch, ctx.size)
        return y_dot

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], b: Tensor, batch: int, size: Axes) -> tuple[Tensor, int]:
        y = SpreadBias.call(fold(b, in_dims[0], info.batch_size, 0), batch, size)
        return unfold(y, info.batch_size, 1), 1
