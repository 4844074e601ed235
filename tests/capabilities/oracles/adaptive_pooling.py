"""Adaptive and fractional pooling."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from manualconv import definitions
from manualconv.definitions import Array
from tests.capabilities.oracles.places import Shape


def adaptive_avg_pool(output_size: Shape) -> Callable[[Tensor], Tensor]:
    """The mean over each interval."""

    def apply(x: Tensor) -> Tensor:
        flat, size = x.reshape(*x.shape[:2], -1), tuple(x.shape[2:])
        means = []
        for p in definitions.indices(output_size):
            at = [int(np.ravel_multi_index(i, size)) for i in definitions.interval(p, size, output_size)]
            means.append(flat[:, :, at].sum(2) / len(at))
        return torch.stack(means, 2).reshape(*x.shape[:2], *output_size)

    return apply


def _at(x: Tensor, winner: Array) -> Tensor:
    """The entries of x at flat positions."""
    winners = torch.from_numpy(winner)
    return x.reshape(*x.shape[:2], -1).gather(2, winners.flatten(2)).reshape(winners.shape)


def adaptive_max_pool(output_size: Shape) -> Callable[[Tensor], Tensor]:
    """The entry at each interval's first maximum."""
    return lambda x: _at(x, definitions.adaptive_max_pool(x.detach().numpy(), output_size)[1])


def fractional_max_pool(kernel: Shape, output_size: Shape, samples: Tensor) -> Callable[[Tensor], Tensor]:
    """The entry at the first maximum of each window, placed by the samples."""

    def apply(x: Tensor) -> Tensor:
        at = definitions.fractional_max_pool(x.detach().numpy(), samples.numpy(), kernel, output_size)[1]
        return _at(x, at)

    return apply
