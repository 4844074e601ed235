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


def varied(nn: Any) -> Module:
    """A depthwise, a dilated and a transposed convolution, several normalisations, activations and pools, dropout."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.SiLU(),
        nn.Conv2d(4, 4, 3, groups=4, dilation=2, padding=2),
        nn.GroupNorm(2, 4),
        nn.GELU(),
        nn.ConvTranspose2d(4, 5, 2, stride=2),
        nn.Hardswish(),
        nn.MaxPool2d(2),
        nn.Dropout(0.2),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(20, 8),
        nn.LayerNorm(8),
        nn.Tanh(),
        nn.Linear(8, 4),
    )
