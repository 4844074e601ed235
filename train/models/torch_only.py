"""The two layers of LeNet-5 of 1998 that torch.nn lacks, in torch's own operations, for networks built from torch.nn.

They have the names, parameters and initial weights of those of ``manualconv.nn``, which has both by hand.
"""

from types import ModuleType

import torch
from torch import Tensor, nn


class ScaledTanh(nn.Module):
    """y = 1.7159·tanh(2z/3), so that f(±1) = ±1 and the slope changes most there."""

    def __init__(self, tanh: nn.Module) -> None:
        super().__init__()
        self.tanh = tanh

    def forward(self, z: Tensor) -> Tensor:
        """Any shape, the same out."""
        y: Tensor = 1.7159 * self.tanh(z * (2 / 3))
        return y


class Subsample2d(nn.Module):
    """y[n, c, p] = σ(w[c]·Σ_k x[n, c, s·p + k] + b[c]), s the kernel's size."""

    def __init__(self, channels: int, kernel_size: int, activation: nn.Module) -> None:
        super().__init__()
        self.kernel_size, self.activation = kernel_size, activation
        self.weight, self.bias = (nn.Parameter(torch.empty(channels)) for _ in range(2))
        for parameter in (self.weight, self.bias):
            nn.init.uniform_(parameter, -1 / kernel_size, 1 / kernel_size)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, C, H, W) → (N, C, H/k, W/k)."""
        sums = nn.functional.avg_pool2d(x, self.kernel_size) * self.kernel_size**2
        y: Tensor = self.activation(sums * self.weight[:, None, None] + self.bias[:, None, None])
        return y


def scaled_tanh(layers: ModuleType) -> nn.Module:
    """``layers.ScaledTanh()``, or the one above."""
    if hasattr(layers, "ScaledTanh"):
        layer: nn.Module = layers.ScaledTanh()
        return layer
    return ScaledTanh(layers.Tanh())


def subsample(layers: ModuleType, channels: int, activation: nn.Module) -> nn.Module:
    """``layers.Subsample2d`` over 2×2 windows, or the one above."""
    layer: nn.Module = getattr(layers, "Subsample2d", Subsample2d)(channels, 2, activation=activation)
    return layer
