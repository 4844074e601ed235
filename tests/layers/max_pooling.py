"""Max pooling."""

from __future__ import annotations

from manualconv import functional, nn
from tests.layers.tables import Example, Module, Pair, pair

FUNCTIONS: dict[str, Example] = {
    "max_pool2d": Example(
        lambda x: functional.max_pool2d(x, (3, 2), (2, 1), 1, (1, 2), ceil_mode=True), ((2, 2, 6, 5),)
    ),
}
MODULES: dict[str, Module] = {
    "MaxPool2d": (lambda: nn.MaxPool2d((3, 2), (2, 1), 1, (1, 2), ceil_mode=True), (2, 3, 6, 5)),
}
PAIRS: dict[str, Pair] = {
    "max_pool2d": pair("max_pool2d", ((2, 3, 6, 5),), kernel_size=(3, 2), stride=(2, 1), padding=1, dilation=(1, 2)),
}
