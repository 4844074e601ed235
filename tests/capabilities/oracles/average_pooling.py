"""Average pooling."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from torch import Tensor

from tests import definitions
from tests.capabilities.oracles.places import Shape, readings, window_of


def avg_pool(kernel: Shape, stride: Shape, pad: Shape) -> Callable[[Tensor], Tensor]:
    """The mean over each window, zeros counted."""

    def apply(x: Tensor) -> Tensor:
        window = window_of(tuple(x.shape[2:]), kernel, stride, pad, (1,) * len(kernel))
        position, inside = readings(window)
        read = x.reshape(*x.shape[:2], -1)[:, :, position] * inside
        return (read.sum(2) / prod(kernel)).reshape(*x.shape[:2], *definitions.output_size(window))

    return apply
