"""The small networks of the snippets, built from torch.nn or manualconv.nn alike; four classes each."""

from __future__ import annotations

from typing import Any

from torch.nn import Module


def plain(nn: Any) -> Module:
    """LeNet's shape in small, for ``(N, 1, 12, 12)``."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(5),
        nn.Flatten(),
        nn.Linear(6, 4),
    )


def normalised(nn: Any) -> Module:
    """The same with batch normalisation."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 4),
    )


def sigmoidal(nn: Any) -> Module:
    """Smooth layers, with second derivatives."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2),
        nn.Sigmoid(),
        nn.AvgPool2d(2),
        nn.Conv2d(4, 6, 2),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(6, 4),
    )
