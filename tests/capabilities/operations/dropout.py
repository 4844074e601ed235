"""Dropout in evaluation mode; in training, what is drawn is no function of the tensors, and has tests of its own."""

from __future__ import annotations

from tests.capabilities import oracles
from tests.capabilities.operations.row import Operation, same

SHAPES = {"dropout2d": (2, 3, 2, 2), "dropout3d": (2, 3, 2, 1, 2)}
NAMES = ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")

OPERATIONS: dict[str, Operation] = {
    name: same(name, oracles.unchanged, (SHAPES.get(name, (2, 3, 2)),), 0.5, False) for name in NAMES
}
