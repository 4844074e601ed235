"""Unfold and fold."""

from __future__ import annotations

from manualconv import functional, nn
from tests.layers.tables import Example, Module, Pair, pair

FUNCTIONS: dict[str, Example] = {
    "unfold": Example(
        lambda x: functional.unfold(x, (3, 2), (1, 2), ((1, 0), (2, 1)), (2, 1)), ((2, 2, 4, 3),), multilinear=True
    ),
    "fold": Example(
        lambda v: functional.fold(v, (4, 3), (3, 2), (1, 2), ((1, 0), (2, 1)), (2, 1)), ((2, 6, 8),), multilinear=True
    ),
}
MODULES: dict[str, Module] = {
    "Unfold": (lambda: nn.Unfold((3, 2), (1, 2), (1, 2), (2, 1)), (2, 2, 4, 3)),
    "Fold": (lambda: nn.Fold((4, 3), (3, 2), (1, 2), (1, 2), (2, 1)), (2, 12, 10)),
}
PAIRS: dict[str, Pair] = {
    "unfold": pair("unfold", ((2, 3, 4, 5),), kernel_size=(3, 2), dilation=(1, 2), padding=(1, 2), stride=(2, 1)),
}
