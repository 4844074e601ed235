"""Max pooling."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import torch
from torch import Tensor

from manualconv import definitions
from tests.capabilities.oracles.places import Shape, window_of


def max_pool(
    kernel: Shape, stride: Shape, pad: Shape, dilation: Shape, ceil_mode: bool = False
) -> Callable[[Tensor], Tensor]:
    """The entry at each window's first maximum."""

    def apply(x: Tensor) -> Tensor:
        window = window_of(tuple(x.shape[2:]), kernel, stride, pad, dilation)
        _, winner = definitions.max_pool(x.detach().numpy(), window, ceil_mode)
        winners = torch.from_numpy(winner)
        return x.reshape(*x.shape[:2], -1).gather(2, winners.flatten(2)).reshape(winners.shape)

    return apply


def places_backwards(y: Tensor) -> Tensor:
    """A flat position for every entry of y ``(N, C, *P)``: the last entry's is the first."""
    return torch.arange(y[0, 0].numel()).flip(0).reshape(y.shape[2:]).expand(y.shape)


def max_unpool(y: Tensor) -> Tensor:
    """The entries of y backwards at the beginning of an output twice as long per axis."""
    size = tuple(2 * length for length in y.shape[2:])
    turned = y.reshape(*y.shape[:2], -1).flip(2)
    zeros = turned.new_zeros(*y.shape[:2], prod(size) - turned.shape[2])
    return torch.cat([turned, zeros], 2).reshape(*y.shape[:2], *size)
