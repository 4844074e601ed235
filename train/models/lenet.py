"""LeNet-5 as it is built today.

LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", 1998, section II.B, with
today's habits in place of the article's: ReLU for tanh, max pooling for trainable averages, padding for the 32×32
frame, every map of the second convolution connected to every map of the first.
"""

from types import ModuleType

from torch import nn


def lenet5(layers: ModuleType, padding: int = 2) -> nn.Sequential:
    """x: (N, 1, 28, 28) → logits (N, 10); 61,706 parameters, or 44,426 without padding."""
    side = ((28 + 2 * padding - 4) // 2 - 4) // 2  # of the last maps: 5, or 4 without padding
    network: nn.Sequential = layers.Sequential(
        layers.Conv2d(1, 6, 5, padding=padding),  # (N, 6, 28, 28)
        layers.ReLU(),
        layers.MaxPool2d(2),  # (N, 6, 14, 14)
        layers.Conv2d(6, 16, 5),  # (N, 16, 10, 10)
        layers.ReLU(),
        layers.MaxPool2d(2),  # (N, 16, 5, 5)
        layers.Flatten(),
        layers.Linear(16 * side * side, 120),
        layers.ReLU(),
        layers.Linear(120, 84),
        layers.ReLU(),
        layers.Linear(84, 10),
    )
    return network
