"""Average pooling."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from manualconv import definitions
from tests.capabilities.oracles.places import Shape, readings, window_of


def avg_pool(
    kernel: Shape,
    stride: Shape,
    pad: Shape,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor: int | None = None,
) -> Callable[[Tensor], Tensor]:
    """Each window's sum over its divisor."""

    def apply(x: Tensor) -> Tensor:
        window = window_of(tuple(x.shape[2:]), kernel, stride, pad, (1,) * len(kernel))
        position, inside = readings(window, ceil_mode)
        sums = (x.reshape(*x.shape[:2], -1)[:, :, position] * inside).sum(2)
        divisors = torch.from_numpy(definitions.divisors(window, ceil_mode, count_include_pad, divisor))
        return sums.reshape(*x.shape[:2], *divisors.shape) / divisors

    return apply
