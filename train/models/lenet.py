"""LeNet-5 as it is built today.

LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", 1998, section II.B, with
today's habits in place of the article's: ReLU for tanh, max pooling for trainable averages, padding for the 32×32
frame, every map of the second convolution connected to every map of the first.
"""

from types import ModuleType

from torch import nn

from train.models.schematic import after_pairs


def lenet5(
    layers: ModuleType, padding: int = 2, classes: int = 10, size: tuple[int, int] = (28, 28), channels: int = 1
) -> nn.Sequential:
    """x: (N, channels, *size) → logits (N, classes); by default 61,706 parameters, or 44,426 without padding.

    Raises ValueError for images too small for the layers.
    """
    height, width = after_pairs((size[0] + 2 * padding, size[1] + 2 * padding))  # of the last maps: 5, or 4
    network: nn.Sequential = layers.Sequential(
        layers.Conv2d(channels, 6, 5, padding=padding),  # (N, 6, 28, 28)
        layers.ReLU(),
        layers.MaxPool2d(2),  # (N, 6, 14, 14)
        layers.Conv2d(6, 16, 5),  # (N, 16, 10, 10)
        layers.ReLU(),
        layers.MaxPool2d(2),  # (N, 16, 5, 5)
        layers.Flatten(),
        layers.Linear(16 * height * width, 120),
        layers.ReLU(),
        layers.Linear(120, 84),
        layers.ReLU(),
        layers.Linear(84, classes),
    )
    return network
