"""Adaptive pooling."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from tests import definitions
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
