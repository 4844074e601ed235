"""The small networks of the snippets, built from torch.nn or manualconv.nn alike; four classes each."""

from typing import Any

from torch import Tensor
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


def bent(nn: Any) -> Module:
    """Non-linear layers of many kinds, among convolutions of many kinds."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.ELU(),
        nn.Conv2d(4, 8, 3, padding="same", dilation=2, groups=4),
        nn.LeakyReLU(0.1),
        nn.MaxPool2d(3, 2, padding=1),
        nn.ConvTranspose2d(8, 4, 3, stride=2),
        nn.ReLU(),
        nn.Dropout(),
        nn.Conv2d(4, 4, 1),
        nn.Softplus(),
        nn.AdaptiveAvgPool2d(2),
        nn.Sigmoid(),
        nn.Flatten(),
        nn.Linear(16, 8),
        nn.Tanh(),
        nn.Linear(8, 4),
        nn.Softmax(1),
    )


class Flattening(Module):
    """A network that is flattened between two parts by its own code."""

    def __init__(self, features: Module, head: Module) -> None:
        super().__init__()
        self.features, self.head = features, head

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(self.features(x).flatten(1))
        return y


def flattened(nn: Any) -> Module:
    """`normalised` with tanh, dropout and grouped convolution, flattened without a layer."""
    features = nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, padding=1, groups=2),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Dropout(0.3),
        nn.Conv2d(6, 4, 1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
    )
    return Flattening(features, nn.Linear(4, 4))


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
