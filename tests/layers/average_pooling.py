"""Average pooling."""

from __future__ import annotations

from manualconv import functional, nn
from tests.layers.tables import Example, Module

FUNCTIONS: dict[str, Example] = {
    "avg_pool2d": Example(
        lambda x: functional.avg_pool2d(x, (2, 4), (2, 1), (1, 2), divisor_override=8),
        ((2, 2, 5, 4),),
        multilinear=True,
    ),
}
MODULES: dict[str, Module] = {
    "AvgPool2d": (lambda: nn.AvgPool2d((3, 2), (2, 1), 1, ceil_mode=True, count_include_pad=False), (2, 3, 6, 5)),
}
