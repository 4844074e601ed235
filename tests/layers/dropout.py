"""Dropout, from one seed: the same mask at every call."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional, nn
from tests.layers.tables import Example, Module, Pair, pair

SHAPES = {"dropout1d": (2, 3, 4), "dropout2d": (2, 3, 2, 2), "dropout3d": (2, 3, 2, 1, 2)}
NAMES = ("dropout", *SHAPES, "alpha_dropout", "feature_alpha_dropout")


def seeded(apply: Callable[..., Any], *tensors: Tensor) -> Any:
    """The result from the seed 0; the generator is put back."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return apply(*tensors)


FUNCTIONS: dict[str, Example] = {
    name: Example(
        partial(seeded, lambda x, name=name: getattr(functional, name)(x, 0.5, True)),
        (SHAPES.get(name, (2, 3, 4)),),
        multilinear=not name.endswith("alpha_dropout"),
        random=True,
    )
    for name in NAMES
}


class _Seeded(torch.nn.Module):
    def __init__(self, layer: torch.nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return seeded(self.layer, x)


MODULES: dict[str, Module] = {
    "Dropout": (lambda: _Seeded(nn.Dropout(0.4)), (2, 3)),
    "Dropout1d": (lambda: _Seeded(nn.Dropout1d(0.4)), (2, 3, 4)),
    "Dropout2d": (lambda: _Seeded(nn.Dropout2d(0.4)), (2, 3, 4, 3)),
    "Dropout3d": (lambda: _Seeded(nn.Dropout3d(0.4)), (2, 3, 2, 3, 2)),
    "AlphaDropout": (lambda: _Seeded(nn.AlphaDropout(0.4)), (2, 3)),
    "FeatureAlphaDropout": (lambda: _Seeded(nn.FeatureAlphaDropout(0.4)), (2, 3, 4)),
}
PAIRS: dict[str, Pair] = {
    "dropout in evaluation": pair("dropout", ((2, 3, 4),), p=0.4, training=False),
}
#: In training, where equal seeds give torch's masks: for tests that neither trace nor map, where others are drawn.
DRAWN: dict[str, Pair] = {
    f"{name} in training": Pair(
        partial(seeded, partial(getattr(functional, name), p=0.5, training=True)),
        partial(seeded, partial(getattr(F, name), p=0.5, training=True)),
        (SHAPES.get(name, (2, 3, 4)),),
        exact="alpha" not in name,
    )
    for name in NAMES
}
