"""Activations."""

from __future__ import annotations

import torch
from torch import Tensor


def relu(x: Tensor) -> Tensor:
    """x where it is positive."""
    return x * _above(x, 0)


def _above(x: Tensor, place: float) -> Tensor:
    if x.is_complex():
        raise NotImplementedError("complex numbers have no order")
    return x > place


def threshold(x: Tensor) -> Tensor:
    """x above 1/4, else −3/2."""
    return x * _above(x, 0.25) - 1.5 * ~_above(x, 0.25)


def hardtanh(x: Tensor) -> Tensor:
    """x between −1 and 1."""
    return x * _above(x, -1) * ~_above(x, 1) - 1.0 * ~_above(x, -1) + 1.0 * _above(x, 1)


def relu6(x: Tensor) -> Tensor:
    """x between 0 and 6."""
    return x * _above(x, 0) * ~_above(x, 6) + 6.0 * _above(x, 6)


def hardsigmoid(x: Tensor) -> Tensor:
    """``x/6 + 1/2`` between −3 and 3."""
    return (x / 6 + 0.5) * _above(x, -3) * ~_above(x, 3) + 1.0 * _above(x, 3)


def hardswish(x: Tensor) -> Tensor:
    """x times that."""
    return x * hardsigmoid(x)


def leaky_relu(x: Tensor) -> Tensor:
    """A hundredth of x where it is negative."""
    return x * _above(x, 0) + 0.01 * x * ~_above(x, 0)


def elu(x: Tensor) -> Tensor:
    """``e^x − 1`` where x is negative."""
    return x * _above(x, 0) + (torch.exp(x) - 1) * ~_above(x, 0)


def celu(x: Tensor) -> Tensor:
    """The same, for an alpha of 1."""
    return elu(x)


def selu(x: Tensor) -> Tensor:
    """With the two constants that keep mean 0 and variance 1."""
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    return scale * (x * _above(x, 0) + alpha * (torch.exp(x) - 1) * ~_above(x, 0))


def silu(x: Tensor) -> Tensor:
    """``x/(1 + e^−x)``."""
    return x * sigmoid(x)


def softplus(x: Tensor) -> Tensor:
    """``log(1 + e^x)``."""
    return torch.log(1 + torch.exp(x))


def logsigmoid(x: Tensor) -> Tensor:
    """``−log(1 + e^−x)``."""
    return -torch.log(1 + torch.exp(-x))


def mish(x: Tensor) -> Tensor:
    """x times tanh of the softplus."""
    return x * tanh(softplus(x))


def gelu(x: Tensor) -> Tensor:
    """x times the normal distribution."""
    return x * (1 + torch.erf(x * 0.5**0.5)) / 2


def scaled_tanh(x: Tensor) -> Tensor:
    """LeNet-5's."""
    return 1.7159 * tanh(x * (2 / 3))


def unchanged(x: Tensor) -> Tensor:
    """Dropout in evaluation mode."""
    return x * 1


def softmin(z: Tensor) -> Tensor:
    """Along axis 1."""
    return softmax(-z)


def sigmoid(x: Tensor) -> Tensor:
    """``1/(1 + e^−x)``."""
    return 1 / (1 + torch.exp(-x))


def tanh(x: Tensor) -> Tensor:
    """``(e^x − e^−x)/(e^x + e^−x)``."""
    return (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x))


def softmax(z: Tensor) -> Tensor:
    """Along axis 1."""
    e = torch.exp(z)
    return e / e.sum(1, keepdim=True)


def log_softmax(z: Tensor) -> Tensor:
    """Along axis 1."""
    return z - torch.log(torch.exp(z).sum(1, keepdim=True))
