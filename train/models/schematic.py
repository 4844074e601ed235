"""Networks of the notes' drawings, with the map counts as arguments.

Source: collected notes and notes on convolution (networks for small images).
"""

from collections.abc import Sequence
from types import ModuleType

from torch import nn

KERNEL = 5


def conv_pool(
    layers: ModuleType,
    maps: tuple[int, int] = (4, 8),
    hidden: int = 64,
    classes: int = 10,
    size: tuple[int, int] = (28, 28),
    channels: int = 1,
) -> nn.Sequential:
    """Convolution (4 maps) → pool → convolution → pool → two fully connected layers.

    x: (N, channels, *size) → logits (N, classes).  Raises ValueError for images too small for the layers.
    """
    first, second = maps
    height, width = after_pairs(size)
    network: nn.Sequential = layers.Sequential(
        layers.Conv2d(channels, first, KERNEL),
        layers.ReLU(),
        layers.MaxPool2d(2),
        layers.Conv2d(first, second, KERNEL),
        layers.ReLU(),
        layers.MaxPool2d(2),
        layers.Flatten(),
        layers.Linear(second * height * width, hidden),
        layers.ReLU(),
        layers.Linear(hidden, classes),
    )
    return network


def after_pairs(size: Sequence[int], pairs: int = 2) -> tuple[int, ...]:
    """The maps' size after ``pairs`` of a 5×5 convolution and a 2×2 window: o = ⌊(i − 4)/2⌋ for each."""
    after = tuple(size)
    for _ in range(pairs):
        after = tuple((i - KERNEL + 1) // 2 for i in after)
    if min(after) < 1:
        shown = "×".join(map(str, size))
        raise ValueError(f"images of {shown} leave nothing after {pairs} convolutions of 5×5 and windows of 2×2")
    return after
