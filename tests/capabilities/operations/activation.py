"""Activations."""

from __future__ import annotations

import torch

from manualconv import functional
from tests.capabilities import oracles
from tests.capabilities.operations.row import Operation, same

OPERATIONS: dict[str, Operation] = {
    "relu": same("relu", oracles.relu, ((2, 3, 2),)),
    "sigmoid": same("sigmoid", oracles.sigmoid, ((2, 3, 2),)),
    "tanh": same("tanh", oracles.tanh, ((2, 3, 2),)),
    "scaled_tanh": Operation(
        functional.scaled_tanh, lambda x: 1.7159 * torch.tanh(x * (2 / 3)), oracles.scaled_tanh, ((2, 3, 2),)
    ),
    **{
        name: same(name, getattr(oracles, name), ((2, 3, 2),))
        for name in (
            "relu6",
            "hardtanh",
            "hardsigmoid",
            "hardswish",
            "leaky_relu",
            "elu",
            "celu",
            "selu",
            "logsigmoid",
            "softplus",
            "silu",
            "mish",
            "gelu",
        )
    },
    "softmin": same("softmin", oracles.softmin, ((2, 3, 2),), 1),
    "threshold": same("threshold", oracles.threshold, ((2, 3, 2),), 0.25, -1.5),
    "softmax": same("softmax", oracles.softmax, ((2, 3, 2),), 1),
    "log_softmax": same("log_softmax", oracles.log_softmax, ((2, 3, 2),), 1),
}
