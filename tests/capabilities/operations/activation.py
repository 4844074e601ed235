"""Activations."""

from __future__ import annotations

from tests.capabilities import oracles
from tests.capabilities.operations.row import Operation, same

OPERATIONS: dict[str, Operation] = {
    "relu": same("relu", oracles.relu, ((2, 3, 2),)),
    "sigmoid": same("sigmoid", oracles.sigmoid, ((2, 3, 2),)),
    "tanh": same("tanh", oracles.tanh, ((2, 3, 2),)),
    "softmax": same("softmax", oracles.softmax, ((2, 3, 2),), 1),
    "log_softmax": same("log_softmax", oracles.log_softmax, ((2, 3, 2),), 1),
}
