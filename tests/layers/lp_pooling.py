"""Power-average pooling."""

from __future__ import annotations

from manualconv import functional, nn
from tests.layers.tables import Example, Module, Pair, pair

FUNCTIONS: dict[str, Example] = {
    "lp_pool1d": Example(lambda x: functional.lp_pool1d(x, 2, 3, 2, ceil_mode=True), ((2, 2, 6),)),
    "lp_pool2d": Example(lambda x: functional.lp_pool2d(x * x + 1, 1.5, (2, 3), (2, 1)), ((1, 2, 4, 4),)),
    "lp_pool3d": Example(lambda x: functional.lp_pool3d(x * x + 1, -1, (2, 1, 3), (1, 2, 1)), ((1, 1, 2, 3, 4),)),
}
MODULES: dict[str, Module] = {
    "LPPool1d": (lambda: nn.LPPool1d(2, 3, 2, ceil_mode=True), (2, 3, 6)),
    "LPPool2d": (lambda: nn.LPPool2d(4, (2, 3), (2, 1)), (1, 2, 4, 4)),
    "LPPool3d": (lambda: nn.LPPool3d(2, (2, 1, 3), (1, 2, 1)), (1, 2, 2, 3, 4)),
}
PAIRS: dict[str, Pair] = {
    "lp_pool1d": pair("lp_pool1d", ((2, 3, 8),), norm_type=4, kernel_size=3, stride=2, exact=False),
    "lp_pool2d": pair("lp_pool2d", ((2, 3, 6, 5),), norm_type=2, kernel_size=(3, 2), stride=(2, 1), ceil_mode=True),
}
