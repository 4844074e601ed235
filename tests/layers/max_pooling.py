"""Max pooling."""

from __future__ import annotations

from manualconv import functional, nn
from tests.layers.tables import Example, Module, Pair, pair

FUNCTIONS: dict[str, Example] = {
    "max_pool1d": Example(lambda x: functional.max_pool1d(x, 3, 2, 1, 2, ceil_mode=True), ((2, 2, 8),)),
    "max_pool2d": Example(
        lambda x: functional.max_pool2d(x, (3, 2), (2, 1), 1, (1, 2), ceil_mode=True), ((2, 2, 6, 5),)
    ),
    "max_pool3d": Example(
        lambda x: functional.max_pool3d(x, (2, 1, 3), (1, 2, 1), (1, 0, 1), (1, 1, 2), ceil_mode=True),
        ((1, 2, 3, 4, 4),),
    ),
}
MODULES: dict[str, Module] = {
    "MaxPool1d": (lambda: nn.MaxPool1d(3, 2, 1, 2, ceil_mode=True), (2, 3, 8)),
    "MaxPool2d": (lambda: nn.MaxPool2d((3, 2), (2, 1), 1, (1, 2), ceil_mode=True), (2, 3, 6, 5)),
    "MaxPool3d": (lambda: nn.MaxPool3d((2, 1, 3), (1, 2, 1), (1, 0, 1), (1, 1, 2)), (1, 2, 3, 4, 4)),
}
PAIRS: dict[str, Pair] = {
    "max_pool1d": pair("max_pool1d", ((2, 3, 8),), kernel_size=3, stride=2, padding=1, dilation=2),
    "max_pool2d": pair("max_pool2d", ((2, 3, 6, 5),), kernel_size=(3, 2), stride=(2, 1), padding=1, dilation=(1, 2)),
    "max_pool3d": pair(
        "max_pool3d", ((1, 2, 3, 4, 4),), kernel_size=(2, 1, 3), stride=(1, 2, 1), padding=(1, 0, 1), dilation=(1, 1, 2)
    ),
}
