"""Power-average pooling."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from torch import Tensor

from tests.capabilities.oracles.average_pooling import avg_pool
from tests.capabilities.oracles.places import Shape


def lp_pool(p: int, kernel: Shape, stride: Shape) -> Callable[[Tensor], Tensor]:
    """The p-th root of each window's sum of p-th powers."""
    mean = avg_pool(kernel, stride, (0,) * len(kernel))

    def apply(x: Tensor) -> Tensor:
        return (mean(x**p) * prod(kernel)) ** (1 / p)

    return apply
