"""The networks, each built from a layers namespace, so that ``torch.nn`` and ``manualconv.nn`` give the same one.

LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", 1998, section II.B, with
today's habits in place of the article's: ReLU for tanh, max pooling for trainable averages, padding for the 32×32
frame, every map of the second convolution connected to every map of the first.
"""

from collections.abc import Callable
from types import ModuleType

from torch import nn


def lenet5(layers: ModuleType) -> nn.Sequential:
    """x: (N, 1, 28, 28) → logits (N, 10); 61,706 parameters."""
    network: nn.Sequential = layers.Sequential(
        layers.Conv2d(1, 6, 5, padding=2),  # (N, 6, 28, 28)
        layers.ReLU(),
        layers.MaxPool2d(2),  # (N, 6, 14, 14)
        layers.Conv2d(6, 16, 5),  # (N, 16, 10, 10)
        layers.ReLU(),
        layers.MaxPool2d(2),  # (N, 16, 5, 5)
        layers.Flatten(),
        layers.Linear(400, 120),
        layers.ReLU(),
        layers.Linear(120, 84),
        layers.ReLU(),
        layers.Linear(84, 10),
    )
    return network


NETWORKS: dict[str, Callable[[ModuleType], nn.Sequential]] = {"lenet5": lenet5}
