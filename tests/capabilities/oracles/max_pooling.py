"""Max pooling."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tests import definitions
from tests.capabilities.oracles.places import Shape, window_of


def max_pool(kernel: Shape, stride: Shape, pad: Shape, dilation: Shape) -> Callable[[Tensor], Tensor]:
    """The entry at each window's first maximum."""

    def apply(x: Tensor) -> Tensor:
        window = window_of(tuple(x.shape[2:]), kernel, stride, pad, dilation)
        _, winner = definitions.max_pool(x.detach().numpy(), window)
        winners = torch.from_numpy(winner)
        return x.reshape(*x.shape[:2], -1).gather(2, winners.flatten(2)).reshape(winners.shape)

    return apply
