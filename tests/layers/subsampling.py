"""Trainable sub-sampling, which torch does not have."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional, nn
from tests.layers.tables import Example, Module, Pair, Shape

FUNCTIONS: dict[str, Example] = {
    "subsample1d": Example(
        lambda x, w, b: functional.subsample1d(x, w, b, 3, 2, activation=None),
        ((2, 3, 8), (3,), (3,)),
        multilinear=True,
    ),
    "subsample2d": Example(
        lambda x, w, b: functional.subsample2d(x / 4, w, b, (3, 2), (1, 3)), ((2, 2, 4, 6), (2,), (2,))
    ),
    "subsample3d": Example(
        lambda x, w, b: functional.subsample3d(x / 4, w, b, (2, 1, 3), activation=functional.tanh),
        ((1, 2, 2, 3, 3), (2,), (2,)),
    ),
}
MODULES: dict[str, Module] = {
    "Subsample1d": (lambda: nn.Subsample1d(3, 3, 2), (2, 3, 8)),
    "Subsample2d": (lambda: nn.Subsample2d(2, (3, 2), (1, 3)), (2, 2, 4, 6)),
    "Subsample3d": (lambda: nn.Subsample3d(2, (2, 1, 3), activation=nn.Tanh()), (1, 2, 2, 3, 3)),
}


def _summed(kernel_size: Shape, stride: Shape, activation: Callable[[Tensor], Tensor] | None) -> Callable[..., Tensor]:
    """By torch: a depthwise convolution with ones, a scale, a shift."""
    convolve = (F.conv1d, F.conv2d, F.conv3d)[len(kernel_size) - 1]

    def apply(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
        ones = torch.ones((len(w), 1, *kernel_size), dtype=x.dtype, device=x.device)
        behind = (1,) * len(kernel_size)
        u = convolve(x, ones, stride=stride, groups=len(w)) * w.reshape(-1, *behind)
        u = u if b is None else u + b.reshape(-1, *behind)
        return u if activation is None else activation(u)

    return apply


PAIRS: dict[str, Pair] = {
    "subsample1d": Pair(
        lambda x, w, b: functional.subsample1d(x, w, b, 3, 2, activation=None),
        _summed((3,), (2,), None),
        ((2, 3, 8), (3,), (3,)),
    ),
    "subsample2d": Pair(
        lambda x, w, b: functional.subsample2d(x, w, b, (3, 2), (1, 3)),
        _summed((3, 2), (1, 3), torch.sigmoid),
        ((2, 2, 4, 6), (2,), (2,)),
        exact=False,
    ),
    "subsample3d": Pair(
        lambda x, w, b: functional.subsample3d(x, w, b, (2, 1, 3), activation=functional.tanh),
        _summed((2, 1, 3), (2, 1, 3), torch.tanh),
        ((1, 2, 2, 3, 3), (2,), (2,)),
        exact=False,
    ),
}
