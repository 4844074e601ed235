"""Adaptive and fractional pooling."""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

from manualconv import functional, nn
from tests.layers.tables import Example, Module, Pair, Shape, pair

#: For two samples of two channels.
PLACED = torch.linspace(0, 0.9, 12).reshape(2, 2, 3)

#: Means over one, two or four positions, which are exact on integers.
FUNCTIONS: dict[str, Example] = {
    "adaptive_avg_pool1d": Example(lambda x: functional.adaptive_avg_pool1d(x, 4), ((2, 2, 6),), multilinear=True),
    "adaptive_avg_pool2d": Example(
        lambda x: functional.adaptive_avg_pool2d(x, (4, 5)), ((2, 2, 6, 3),), multilinear=True
    ),
    "adaptive_avg_pool3d": Example(
        lambda x: functional.adaptive_avg_pool3d(x, (2, None, 3)), ((1, 2, 3, 2, 4),), multilinear=True
    ),
    "adaptive_max_pool1d": Example(lambda x: functional.adaptive_max_pool1d(x, 3), ((2, 2, 7),)),
    "adaptive_max_pool2d": Example(lambda x: functional.adaptive_max_pool2d(x, (3, 4)), ((2, 2, 5, 3),)),
    "adaptive_max_pool3d": Example(lambda x: functional.adaptive_max_pool3d(x, (2, None, 3)), ((1, 2, 3, 2, 4),)),
    "fractional_max_pool2d": Example(
        lambda x: functional.fractional_max_pool2d(
            x, (2, 3), (3, 2), _random_samples=PLACED[: len(x), :, :2].to(x.dtype)
        ),
        ((2, 2, 5, 6),),
    ),
    "fractional_max_pool3d": Example(
        lambda x: functional.fractional_max_pool3d(x, (1, 2, 2), (2, 2, 3), _random_samples=PLACED.to(x.dtype)),
        ((1, 2, 4, 4, 5),),
    ),
}
MODULES: dict[str, Module] = {
    "AdaptiveAvgPool1d": (lambda: nn.AdaptiveAvgPool1d(3), (2, 3, 7)),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d((3, 4)), (2, 3, 5, 3)),
    "AdaptiveAvgPool3d": (lambda: nn.AdaptiveAvgPool3d((2, None, 3)), (2, 2, 3, 2, 4)),
    "AdaptiveMaxPool1d": (lambda: nn.AdaptiveMaxPool1d(3), (2, 3, 7)),
    "AdaptiveMaxPool2d": (lambda: nn.AdaptiveMaxPool2d((3, 4)), (2, 3, 5, 3)),
    "AdaptiveMaxPool3d": (lambda: nn.AdaptiveMaxPool3d((2, None, 3)), (2, 2, 3, 2, 4)),
    "FractionalMaxPool2d": (
        lambda: nn.FractionalMaxPool2d((2, 3), (3, 2), _random_samples=PLACED[..., :2]),
        (2, 2, 5, 6),
    ),
    "FractionalMaxPool3d": (lambda: nn.FractionalMaxPool3d(2, (2, 2, 3), _random_samples=PLACED), (2, 2, 4, 4, 5)),
}


def _largest_of(x: Tensor, kernel_size: Shape, output_size: Shape, numbers: tuple[float, ...]) -> Tensor:
    """The definition: torch's own has no rule for vmap, and every sample and channel is placed alike here."""
    ndim, starts = len(kernel_size), []
    for i, k, p, u in zip(x.shape[-ndim:], kernel_size, output_size, numbers):
        step = (i - k) / (p - 1)
        starts.append([int((n + u) * step) - int(u * step) for n in range(p - 1)] + [i - k])
    windows = []
    for corner in product(*starts):
        window = x
        for axis, (a, k) in enumerate(zip(corner, kernel_size), -ndim):
            window = window.narrow(axis, a, k)
        windows.append(window.flatten(-ndim).max(-1).values)
    return torch.stack(windows, -1).unflatten(-1, output_size)


def _fractional(shape: Shape, kernel_size: Shape, output_size: Shape, numbers: tuple[float, ...]) -> Pair:
    """Windows placed by the same numbers for any number of samples of two channels."""
    ndim = len(kernel_size)
    pool = getattr(functional, f"fractional_max_pool{ndim}d")

    def apply(x: Tensor) -> Tensor:
        samples = torch.tensor(numbers, dtype=x.dtype).expand(x.shape[0] if x.dim() == ndim + 2 else 1, 2, ndim)
        return pool(x, kernel_size, output_size, _random_samples=samples)

    return Pair(apply, lambda x: _largest_of(x, kernel_size, output_size, numbers), (shape,))


#: Intervals of one, two, four or eight positions, over whose number integers are divided exactly.
PAIRS: dict[str, Pair] = {
    "adaptive_avg_pool1d": pair("adaptive_avg_pool1d", ((2, 3, 6),), output_size=4),
    "adaptive_avg_pool2d": pair("adaptive_avg_pool2d", ((2, 3, 4, 3),), output_size=(3, 2)),
    "global adaptive_avg_pool2d": pair("adaptive_avg_pool2d", ((2, 3, 4, 2),), output_size=1),
    "adaptive_avg_pool3d": pair("adaptive_avg_pool3d", ((1, 2, 3, 2, 4),), output_size=(2, None, 3)),
    "adaptive_max_pool1d": pair("adaptive_max_pool1d", ((2, 3, 7),), output_size=3),
    "adaptive_max_pool2d": pair("adaptive_max_pool2d", ((2, 3, 5, 4),), output_size=(3, 2)),
    "adaptive_max_pool3d": pair("adaptive_max_pool3d", ((1, 2, 3, 2, 4),), output_size=(2, None, 3)),
    "fractional_max_pool2d": _fractional((2, 2, 5, 6), (2, 3), (3, 2), (0.3, 0.7)),
    "fractional_max_pool3d": _fractional((1, 2, 4, 4, 5), (1, 2, 2), (2, 2, 3), (0.1, 0.7, 0.4)),
}
