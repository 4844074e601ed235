"""Activations."""

from __future__ import annotations

from manualconv import functional, nn
from tests.layers.tables import Example, Module

FUNCTIONS: dict[str, Example] = {
    "relu": Example(functional.relu, ((2, 3, 4),)),
    "sigmoid": Example(functional.sigmoid, ((2, 3, 4),)),
    "tanh": Example(functional.tanh, ((2, 3, 4),)),
    "softmax": Example(lambda z: functional.softmax(z, 1), ((2, 3, 4),)),
    "log_softmax": Example(lambda z: functional.log_softmax(z, -1), ((2, 3, 4),)),
}
MODULES: dict[str, Module] = {
    "ReLU": (lambda: nn.ReLU(), (2, 3)),
    "Sigmoid": (lambda: nn.Sigmoid(), (2, 3)),
    "Tanh": (lambda: nn.Tanh(), (2, 3)),
    "Softmax": (lambda: nn.Softmax(1), (2, 3)),
    "LogSoftmax": (lambda: nn.LogSoftmax(1), (2, 3)),
}
