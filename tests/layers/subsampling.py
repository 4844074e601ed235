"""Trainable sub-sampling, which torch does not have."""

from __future__ import annotations

from manualconv import functional, nn
from tests.layers.tables import Example, Module

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
