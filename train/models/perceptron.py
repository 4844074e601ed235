"""The network of the notes on convolution: fully connected layers of sigmoid units, 2-3-2-1 unless told otherwise.

Source: notes on convolution (back-propagation step by step, C1); ``train.trace`` prints every step.
"""

from collections.abc import Sequence
from itertools import pairwise
from types import ModuleType

from torch import nn


def perceptron(layers: ModuleType, sizes: Sequence[int] = (2, 3, 2, 1), bias: bool = True) -> nn.Sequential:
    """x: (N, sizes[0]) → y: (N, sizes[-1]) in (0, 1); Σ_l m·n + n parameters, 20 of them for 2-3-2-1 (14 weights)."""
    steps: list[nn.Module] = []
    for inputs, units in pairwise(sizes):
        steps += [layers.Linear(inputs, units, bias=bias), layers.Sigmoid()]
    network: nn.Sequential = layers.Sequential(*steps)
    return network
