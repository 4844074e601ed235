"""Average pooling."""

from __future__ import annotations

from manualconv import functional, nn
from tests.layers.tables import Example, Module, Pair, pair

#: Divisors that are powers of two, so that a difference quotient with step 1 is exact.
FUNCTIONS: dict[str, Example] = {
    "avg_pool1d": Example(lambda x: functional.avg_pool1d(x, 4, 3, 2), ((2, 3, 8),), multilinear=True),
    "avg_pool2d": Example(
        lambda x: functional.avg_pool2d(x, (2, 4), (2, 1), (1, 2), divisor_override=8),
        ((2, 2, 5, 4),),
        multilinear=True,
    ),
    "avg_pool3d": Example(
        lambda x: functional.avg_pool3d(x, (2, 1, 3), (1, 2, 1), (1, 0, 1), ceil_mode=True, divisor_override=-4),
        ((1, 2, 2, 4, 3),),
        multilinear=True,
    ),
}
MODULES: dict[str, Module] = {
    "AvgPool1d": (lambda: nn.AvgPool1d(3, 2, 1, ceil_mode=True, count_include_pad=False), (2, 3, 7)),
    "AvgPool2d": (lambda: nn.AvgPool2d((3, 2), (2, 1), 1, ceil_mode=True, count_include_pad=False), (2, 3, 6, 5)),
    "AvgPool3d": (lambda: nn.AvgPool3d((2, 1, 3), (1, 2, 1), (1, 0, 1), ceil_mode=True), (1, 2, 2, 4, 3)),
}
PAIRS: dict[str, Pair] = {
    "avg_pool1d": pair("avg_pool1d", ((2, 3, 8),), kernel_size=3, stride=2, padding=1, ceil_mode=True, exact=False),
    "avg_pool2d": pair("avg_pool2d", ((2, 3, 6, 5),), kernel_size=(3, 2), stride=(2, 1), padding=1, divisor_override=8),
    "avg_pool3d": pair(
        "avg_pool3d",
        ((1, 2, 2, 4, 3),),
        kernel_size=(2, 1, 3),
        stride=(1, 2, 1),
        padding=(1, 0, 1),
        divisor_override=-4,
    ),
}
