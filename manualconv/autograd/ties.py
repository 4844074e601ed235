"""SelectTied: the maximum of each window, its slope shared evenly among all the positions that attain it.

    y[p] = x[i*(p)],   M(p) the taps k with x[s·p + d·k − a] = y[p],   m(p) = |M(p)|

A maximum of several equal entries has no derivative; every convex combination of their unit vectors is a subgradient.
`Select` takes the first, here it is the mean, the one that treats equals alike:

    ẏ[p] = Σ_{k ∈ M(p)} ẋ[s·p + d·k − a] / m(p)
    x̄[i] = Σ ȳ[p]/m(p)  over k, p with s·p + d·k − a = i and k ∈ M(p)

With M held fixed, ẏ is linear in ẋ and x̄ its adjoint: Windows, a mask and a sum one way, the same mask and OverlapAdd
the other.  So each is differentiated by what it is made of, at every order.  A NaN equals nothing:
in a window with one, M is the tap that `Select` would read.

Shapes: x ``(N, C, *I)``, i* and y ``(N, C, *P)``, the mask `tied` ``(N, C, ΠK, ΠP)``.

Source: Rockafellar, *Convex Analysis* (1970), section 23: the subdifferential of a maximum.
"""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor

from manualconv.autograd.function import Map, constant_in, fold, unfold
from manualconv.autograd.windows import OverlapAdd, Windows
from manualconv.geometry import Window
from manualconv.kernels.pooling.selection import select


def _by_tap(v: Tensor, window: Window) -> Tensor:
    """``(N, C·ΠK, ΠP)`` → ``(N, C, ΠK, ΠP)``."""
    return v.reshape(v.shape[0], v.shape[1] // window.taps, window.taps, v.shape[2])


def tied_taps(x: Tensor, index: Tensor, window: Window) -> Tensor:
    """Which taps of each window read its maximum, ``(N, C, ΠK, ΠP)``; padding never does."""
    largest, first = (t.flatten(2).unsqueeze(2) for t in (select(x, index, window.ndim), index))
    numbered = torch.arange(1, 1 + prod(window.input_size), device=x.device)
    position = _by_tap(Windows.call(numbered.reshape(1, 1, *window.input_size), window), window) - 1
    read = _by_tap(Windows.call(x, window), window)
    return ((read == largest) & (position >= 0)) | (position == first)


class SelectTied(Map):
    """``y[p] = x[i*(p)]``, differentiated as the mean of the tied positions."""

    flat = True

    @staticmethod
    def forward(x: Tensor, index: Tensor, tied: Tensor, window: Window, edge: Tensor | None) -> Tensor:
        return select(x, index, window.ndim)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, _, tied, ctx.window, edge = inputs
        ctx.save_for_backward(tied, edge)
        ctx.save_for_forward(tied)

    @staticmethod
    def backward(ctx: Any, y_bar: Tensor) -> tuple[Tensor | None, ...]:
        tied, edge = ctx.saved_tensors
        share = y_bar.reshape(*y_bar.shape[:2], 1, ctx.window.placements) / tied.sum(2, keepdim=True)
        v_bar = torch.where(tied, share, 0)  # (N, C, ΠK, ΠP)
        v_bar = v_bar.reshape(v_bar.shape[0], v_bar.shape[1] * ctx.window.taps, ctx.window.placements)
        return constant_in(edge, OverlapAdd.call(v_bar, ctx.window)), None, None, None, None

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor, *_: Any) -> Tensor:
        (tied,) = ctx.saved_tensors
        read = torch.where(tied, _by_tap(Windows.call(x_dot, ctx.window), ctx.window), 0)
        y_dot: Tensor = read.sum(2) / tied.sum(2)
        return y_dot.reshape(*y_dot.shape[:2], *ctx.window.output_size)

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[Any, ...], x: Tensor, index: Tensor, tied: Tensor, window: Window, _: Any
    ) -> tuple[Tensor, int]:
        x, index, tied = (fold(t, at, info.batch_size, 0) for t, at in zip((x, index, tied), in_dims))
        return unfold(SelectTied.call(x, index, tied, window), info.batch_size, 0), 0
