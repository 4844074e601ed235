"""Maximum: the largest entry of each window, and the pair that selects and scatters by tap.

    Maximum      y[p] = x[s·p + d·k(p) − a]                  k(p) the tap of the largest, beside y
    SelectTaps   y[p] = x[s·p + d·k(p) − a]                  k given
    ScatterTaps  x[i] = Σ_{p : s·p + d·k(p) − a = i} y[p]    ⟨SelectTaps x, y⟩ = ⟨x, ScatterTaps y⟩

k is constant wherever the maximum is unique, so the derivative of Maximum is SelectTaps forwards and ScatterTaps
backwards: the mask of the article's Fig 13.  The cotangent goes back to the position that won and nowhere else, and
where windows overlap their cotangents add.  Ties go to the first tap in row-major order.  In the words of
back-propagation it is up(δ), the sampling layer's error put at the argmax: δ_conv = up(δ_pool) ⊙ f′(u).

It is `Select` at a position, which a tap names in an eighth of the memory; value and tap come from one pass.  No window
may read padding alone.

Shapes: x ``(N, C, *I)``, y and k ``(N, C, *P)``.

Source: Skalski, *Gentle Dive into Math Behind Convolutional Neural Networks*, Figs 12 and 13; notes on
convolution (B9).
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from manualconv.autograd.function import Map, constant_in, fold, unfold
from manualconv.autograd.kinds import Linear
from manualconv.geometry import Axes, Window
from manualconv.kernels.pooling import maximum as kernels


class Maximum(Map):
    """``y[p] = x[s·p + d·k(p) − a]``, and k."""

    flat = True

    @staticmethod
    def forward(x: Tensor, window: Window, edge: Tensor | None) -> tuple[Tensor, Tensor]:
        return kernels.maximum(x, window)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        _, ctx.window, edge = inputs
        _, taps = output
        ctx.mark_non_differentiable(taps)
        ctx.save_for_backward(taps, edge)
        ctx.save_for_forward(taps)

    @staticmethod
    def backward(ctx: Any, y_bar: Tensor, _: None) -> tuple[Tensor, None, None]:
        taps, edge = ctx.saved_tensors
        return constant_in(edge, ScatterTaps.call(y_bar, taps, ctx.window)), None, None

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor, *_: None) -> tuple[Tensor, None]:
        (taps,) = ctx.saved_tensors
        return SelectTaps.call(x_dot, taps, ctx.window), None

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[Any, ...], x: Tensor, window: Window, _: Any
    ) -> tuple[tuple[Tensor, ...], tuple[int, int]]:
        found = Maximum.call(fold(x, in_dims[0], info.batch_size, 0), window)
        return tuple(unfold(t, info.batch_size, 0) for t in found), (0, 0)


class SelectTaps(Linear):
    """``y[p] = x[s·p + d·k(p) − a]``."""

    sampled = True

    @staticmethod
    def forward(x: Tensor, taps: Tensor, window: Window) -> Tensor:
        return kernels.select_taps(x, taps, window)

    @staticmethod
    def adjoint(y_bar: Tensor, shape: Axes, taps: Tensor, window: Window) -> Tensor:
        x_bar: Tensor = ScatterTaps.call(y_bar, taps, window)
        return x_bar


class ScatterTaps(Linear):
    """``x[i] = Σ_{p : s·p + d·k(p) − a = i} y[p]``."""

    sampled = True

    @staticmethod
    def forward(y: Tensor, taps: Tensor, window: Window) -> Tensor:
        return kernels.scatter_taps(y, taps, window)

    @staticmethod
    def adjoint(x_bar: Tensor, shape: Axes, taps: Tensor, window: Window) -> Tensor:
        y_bar: Tensor = SelectTaps.call(x_bar, taps, window)
        return y_bar
