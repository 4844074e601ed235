"""Activations."""

from __future__ import annotations

import torch
from torch import Tensor


def relu(x: Tensor) -> Tensor:
    """x where it is positive."""
    if x.is_complex():
        raise NotImplementedError("complex numbers have no order")
    return x * (x > 0)


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
