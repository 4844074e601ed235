"""The same numbers, laid out in memory another way.

    Lay      y[n, c, i] = x[n, c, i], with the channels innermost in memory or outermost

A permutation of memory is the identity on numbers, so its adjoint is the identity too; the cotangent is laid out the
other way round.  Before a layer whose kernel reads contiguous planes, it makes the input gradient lie as the input did;
after the layer, it does the same for the output.

Shapes: x and y ``(N, C, *I)``.
"""

from __future__ import annotations

from torch import Tensor

from manualconv.autograd.kinds import Linear
from manualconv.geometry import Axes
from manualconv.kernels.movement.layout import laid


class Lay(Linear):
    """A copy of x, channels_last or contiguous."""

    folded = (0, 0)

    @staticmethod
    def forward(x: Tensor, channels_last: bool) -> Tensor:
        return laid(x, channels_last)

    @staticmethod
    def adjoint(y_bar: Tensor, shape: Axes, channels_last: bool) -> Tensor:
        x_bar: Tensor = Lay.call(y_bar, not channels_last)
        return x_bar
