"""A network that learns in few epochs: convolution, pooling and batch normalisation twice, and two dense layers.

A convolution before batch normalisation needs no bias: the mean takes it away.  The maximum stands before the
normalisation, which then has a quarter of the numbers; where its coefficient is positive the order makes no difference
but to the statistics.

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", 1998, section II.B
(5×5 and 2×2, twice); Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing internal
covariate shift", 2015, section 3.2 (between the linear map and its non-linearity, without the bias).
"""

from itertools import pairwise
from types import ModuleType

from torch import nn

from train.models.schematic import KERNEL, after_pairs


def normalized(
    layers: ModuleType,
    maps: tuple[int, int] = (8, 16),
    hidden: int = 64,
    classes: int = 10,
    size: tuple[int, int] = (28, 28),
    channels: int = 1,
) -> nn.Sequential:
    """x: (N, channels, *size) → logits (N, classes); by default 20,546 parameters.

    Raises ValueError for images too small for the layers.
    """
    height, width = after_pairs(size)
    steps = [
        layer
        for before, after in pairwise((channels, *maps))
        for layer in (
            layers.Conv2d(before, after, KERNEL, bias=False),
            layers.MaxPool2d(2),
            layers.BatchNorm2d(after),
            layers.ReLU(),
        )
    ]
    network: nn.Sequential = layers.Sequential(
        *steps,
        layers.Flatten(),
        layers.Linear(maps[-1] * height * width, hidden),
        layers.ReLU(),
        layers.Linear(hidden, classes),
    )
    return network
