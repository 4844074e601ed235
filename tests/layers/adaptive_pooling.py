"""Adaptive and fractional pooling."""

from __future__ import annotations

import torch

from manualconv import functional, nn
from tests.layers.tables import Example, Module, Pair, pair

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
#: Intervals of one, two, four or eight positions, over whose number integers are divided exactly.
PAIRS: dict[str, Pair] = {
    "adaptive_avg_pool1d": pair("adaptive_avg_pool1d", ((2, 3, 6),), output_size=4),
    "adaptive_avg_pool2d": pair("adaptive_avg_pool2d", ((2, 3, 4, 3),), output_size=(3, 2)),
    "global adaptive_avg_pool2d": pair("adaptive_avg_pool2d", ((2, 3, 4, 2),), output_size=1),
    "adaptive_avg_pool3d": pair("adaptive_avg_pool3d", ((1, 2, 3, 2, 4),), output_size=(2, None, 3)),
    "adaptive_max_pool1d": pair("adaptive_max_pool1d", ((2, 3, 7),), output_size=3),
    "adaptive_max_pool2d": pair("adaptive_max_pool2d", ((2, 3, 5, 4),), output_size=(3, 2)),
    "adaptive_max_pool3d": pair("adaptive_max_pool3d", ((1, 2, 3, 2, 4),), output_size=(2, None, 3)),
}
