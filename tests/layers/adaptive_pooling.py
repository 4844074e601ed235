"""Adaptive pooling."""

from __future__ import annotations

from manualconv import functional, nn
from tests.layers.tables import Example, Module, Pair, pair

FUNCTIONS: dict[str, Example] = {
    "adaptive_avg_pool1d": Example(lambda x: functional.adaptive_avg_pool1d(x, 3), ((2, 2, 7),), multilinear=True),
    "adaptive_avg_pool2d": Example(
        lambda x: functional.adaptive_avg_pool2d(x, (3, 4)), ((2, 2, 5, 3),), multilinear=True
    ),
    "adaptive_avg_pool3d": Example(
        lambda x: functional.adaptive_avg_pool3d(x, (2, None, 3)), ((1, 2, 3, 2, 4),), multilinear=True
    ),
}
MODULES: dict[str, Module] = {
    "AdaptiveAvgPool1d": (lambda: nn.AdaptiveAvgPool1d(3), (2, 3, 7)),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d((3, 4)), (2, 3, 5, 3)),
    "AdaptiveAvgPool3d": (lambda: nn.AdaptiveAvgPool3d((2, None, 3)), (2, 2, 3, 2, 4)),
}
#: Intervals of one, two, four or eight positions, over whose number integers are divided exactly.
PAIRS: dict[str, Pair] = {
    "adaptive_avg_pool2d": pair("adaptive_avg_pool2d", ((2, 3, 4, 3),), output_size=(3, 2)),
    "global adaptive_avg_pool2d": pair("adaptive_avg_pool2d", ((2, 3, 4, 2),), output_size=1),
}
