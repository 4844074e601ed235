"""Networks of the notes' drawings, with the map counts as arguments.

Source: notes on convolution and collected notes (networks for small images, C4).
"""

from collections.abc import Sequence
from itertools import pairwise
from types import ModuleType

from torch import nn

from train.models.torch_only import subsample

KERNEL = 5


def sub_sampled(
    layers: ModuleType,
    maps: Sequence[int] = (3, 3),
    classes: int = 10,
    size: tuple[int, int] = (28, 28),
    channels: int = 1,
) -> nn.Sequential:
    """C-S-C-S: convolution, sub-sampling (sum of 2×2, coefficient, bias, sigmoid), both again, rasterise, dense.

    x: (N, channels, *size) → logits (N, classes), a C and an S layer of n maps for every n in ``maps``.  Raises
    ValueError for images too small for the layers.
    """
    height, width = after_pairs(size, len(maps))
    pairs = [
        layer
        for before, after in pairwise((channels, *maps))
        for layer in (layers.Conv2d(before, after, KERNEL), subsample(layers, after, layers.Sigmoid()))
    ]
    network: nn.Sequential = layers.Sequential(
        *pairs, layers.Flatten(), layers.Linear((channels, *maps)[-1] * height * width, classes)
    )
    return network


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
