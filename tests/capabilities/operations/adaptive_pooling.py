"""Adaptive and fractional pooling."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional
from tests.capabilities import oracles
from tests.capabilities.operations.row import Apply, Operation, same

#: Shape of the input and output size.
SETTINGS = {1: ((2, 2, 7), (3,)), 2: ((2, 2, 5, 3), (3, 2)), 3: ((2, 2, 3, 2, 4), (2, 1, 3))}

OPERATIONS: dict[str, Operation] = {
    f"adaptive_avg_pool{n}d": same(f"adaptive_avg_pool{n}d", oracles.adaptive_avg_pool(size), (shape,), size)
    for n, (shape, size) in SETTINGS.items()
}
OPERATIONS |= {
    f"adaptive_max_pool{n}d": same(f"adaptive_max_pool{n}d", oracles.adaptive_max_pool(size), (shape,), size)
    for n, (shape, size) in SETTINGS.items()
}


def _placed(layer: Any, samples: Tensor, kernel: tuple[int, ...], size: tuple[int, ...]) -> Apply:
    """With the same samples in every dtype, halves and quarters, which all of them hold, and for every image."""

    def apply(x: Tensor) -> Tensor:
        return layer(x, kernel, size, _random_samples=samples.to(x.dtype).expand(x.shape[0], -1, -1))

    return apply


def _fractional(n: int, kernel: tuple[int, ...], size: tuple[int, ...], shape: tuple[int, ...]) -> Operation:
    name = f"fractional_max_pool{n}d"
    samples = torch.arange(shape[1] * n).reshape(1, shape[1], n) % 4 / 4
    return Operation(
        _placed(getattr(functional, name), samples, kernel, size),
        _placed(getattr(F, name), samples, kernel, size),
        oracles.fractional_max_pool(kernel, size, samples.expand(shape[0], -1, -1)),
        (shape,),
    )


OPERATIONS |= {
    "fractional_max_pool2d": _fractional(2, (2, 3), (3, 2), (2, 2, 6, 5)),
    "fractional_max_pool3d": _fractional(3, (1, 2, 2), (2, 2, 1), (2, 2, 3, 4, 3)),
}
