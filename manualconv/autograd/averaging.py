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

from torch import Tensor

from manualconv.autograd.kinds import Linear
from manualconv.geometry import Axes, Intervals
from manualconv.kernels.pooling import intervals as kernels


class MeanIntervals(Linear):
    """``y[n, c, p] = 1/|p| · Σ_{i ∈ p} x[n, c, i]``."""

    flat = True
    folded = (0, 0)

    @staticmethod
    def forward(x: Tensor, intervals: Intervals, edge: Tensor | None) -> Tensor:
        return kernels.mean_intervals(x, intervals)

    @staticmethod
    def adjoint(y_bar: Tensor, shape: Axes, intervals: Intervals) -> Tensor:
        # This tensor's own sizes, not those in `intervals`: Dynamo keeps for backward only what this graph computed.
        x_bar: Tensor = SpreadMeans.call(y_bar, replace(intervals, input_size=shape[2:]))
        return x_bar

    @staticmethod
    def reads_input(intervals: Intervals) -> bool:
        """Torch's layer with one interval is a plain mean, whose gradient does not read the input."""
        return any(p != 1 for p in intervals.output_size)


class SpreadMeans(Linear):
    """``x[n, c, i] = Σ_{p ∋ i} y[n, c, p] / |p|``."""

    folded = (0, 0)

    @staticmethod
    def forward(y: Tensor, intervals: Intervals) -> Tensor:
        return kernels.spread_means(y, intervals)

    @staticmethod
    def adjoint(x_bar: Tensor, shape: Axes, intervals: Intervals) -> Tensor:
        y_bar: Tensor = MeanIntervals.call(x_bar, intervals)
        return y_bar
