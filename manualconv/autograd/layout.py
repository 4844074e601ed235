"""The same numbers, laid out in memory another way.

    Lay      y[n, c, i] = x[n, c, i], with the channels innermost in memory or outermost

A permutation of memory is the identity on numbers, so its adjoint is the identity too; the cotangent is laid out the
other way round.  In front of a layer whose kernel reads contiguous planes it lets the layer's input gradient lie as
the input did, behind it the output.

Shapes: x and y ``(N, C, *I)``.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from manualconv.autograd.function import Map, fold, unfold
from manualconv.kernels.layout import laid


class Lay(Map):
    """A copy of x, channels_last or contiguous."""

    @staticmethod
    def forward(x: Tensor, channels_last: bool) -> Tensor:
        return laid(x, channels_last)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, ctx.channels_last = inputs

    @staticmethod
    def backward(ctx: Any, y_bar: Tensor) -> tuple[Tensor, None]:
        return Lay.call(y_bar, not ctx.channels_last), None

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor, _: None) -> Tensor:
        y_dot: Tensor = Lay.call(x_dot, ctx.channels_last)
        return y_dot

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], x: Tensor, channels_last: bool) -> tuple[Tensor, int]:
        y = Lay.call(fold(x, in_dims[0], info.batch_size, 0), channels_last)
        return unfold(y, info.batch_size, 0), 0
