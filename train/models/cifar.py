"""The network that Keras's documentation trained on CIFAR-10 for years.

Source: collected notes (networks for small images, C5).
"""

from types import ModuleType

from torch import nn


def cifar(layers: ModuleType, classes: int = 10) -> nn.Sequential:
    """x: (N, 3, 32, 32) → logits (N, classes); 896 + 9,248 + 802,944 + 1,290 = 814,378 parameters for ten classes."""
    network: nn.Sequential = layers.Sequential(
        layers.Conv2d(3, 32, 3),  # (N, 32, 30, 30)
        layers.ReLU(),
        layers.Conv2d(32, 32, 3),  # (N, 32, 28, 28)
        layers.ReLU(),
        layers.MaxPool2d(2),  # (N, 32, 14, 14)
        layers.Dropout(0.25),
        layers.Flatten(),  # (N, 6272)
        layers.Linear(6272, 128),
        layers.ReLU(),
        layers.Dropout(0.5),
        layers.Linear(128, classes),
    )
    return network
