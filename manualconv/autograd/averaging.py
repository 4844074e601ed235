"""Means over intervals of unequal length, and their adjoint: adaptive average pooling.

    MeanIntervals  y[n, c, p] = 1/|p| · Σ_{i ∈ p} x[n, c, i]             p the interval ⌊pI/P⌋ ≤ i < ⌈(p + 1)I/P⌉
    SpreadMeans    x[n, c, i] = Σ_{p ∋ i} y[n, c, p] / |p|               ⟨MeanIntervals x, y⟩ = ⟨x, SpreadMeans y⟩

One is D·S, the other Sᵀ·D, with S the sum over each interval and the diagonal D = 1/|p|.  Both are linear, so that the
derivative of each is itself forwards and its partner backwards, at every order.  In several dimensions p, i and |p| are
products, and so are the sums.

Shapes: x ``(N, C, *I)``, y ``(N, C, *P)``.

Source: Lin, Chen and Yan, *Network in network* (2013), section 3.2, for P = 1.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor

from manualconv.autograd.function import Map, constant_in, fold, unfold
from manualconv.intervals import Intervals
from manualconv.kernels import intervals as kernels


class MeanIntervals(Map):
    """``y[n, c, p] = 1/|p| · Σ_{i ∈ p} x[n, c, i]``."""

    flat = True

    @staticmethod
    def forward(x: Tensor, intervals: Intervals, edge: Tensor | None) -> Tensor:
        return kernels.mean_intervals(x, intervals)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, intervals, edge = inputs
        # The sizes of this tensor, not those that came along: Dynamo keeps for backward only what this graph computed.
        ctx.intervals = replace(intervals, input_size=tuple(x.shape[2:]))
        # Where one interval takes all, torch's layer is a plain mean, whose gradient reads no input.
        ctx.save_for_backward(None if all(p == 1 for p in intervals.output_size) else edge)

    @staticmethod
    def backward(ctx: Any, y_bar: Tensor) -> tuple[Tensor, None, None]:
        return constant_in(ctx.saved_tensors[0], SpreadMeans.call(y_bar, ctx.intervals)), None, None

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor, *_: Any) -> Tensor:
        y_dot: Tensor = MeanIntervals.call(x_dot, ctx.intervals)
        return y_dot

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], x: Tensor, intervals: Intervals, _: Any) -> tuple[Tensor, int]:
        return unfold(MeanIntervals.call(fold(x, in_dims[0], info.batch_size, 0), intervals), info.batch_size, 0), 0


class SpreadMeans(Map):
    """``x[n, c, i] = Σ_{p ∋ i} y[n, c, p] / |p|``."""

    @staticmethod
    def forward(y: Tensor, intervals: Intervals) -> Tensor:
        return kernels.spread_means(y, intervals)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, ctx.intervals = inputs

    @staticmethod
    def backward(ctx: Any, x_bar: Tensor) -> tuple[Tensor, None]:
        return MeanIntervals.call(x_bar, ctx.intervals), None

    @staticmethod
    def jvp(ctx: Any, y_dot: Tensor, _: None) -> Tensor:
        x_dot: Tensor = SpreadMeans.call(y_dot, ctx.intervals)
        return x_dot

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], y: Tensor, intervals: Intervals) -> tuple[Tensor, int]:
        return unfold(SpreadMeans.call(fold(y, in_dims[0], info.batch_size, 0), intervals), info.batch_size, 0), 0
