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
    """Convolutions of several kinds, other activations, pools and normalisations, and dropout."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, padding_mode="reflect"),
        nn.BatchNorm2d(4),
        nn.LeakyReLU(0.1),
        nn.Conv2d(4, 4, 3, padding=1, groups=4),
        nn.GELU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, padding=2, dilation=2),
        nn.SiLU(),
        nn.ConvTranspose2d(6, 6, 2, stride=2, groups=2),
        nn.GroupNorm(2, 6),
        nn.Dropout(0.1),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(24, 8),
        nn.LayerNorm(8),
        nn.Softplus(),
        nn.Linear(8, 4),
    )
