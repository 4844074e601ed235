"""Losses."""

from __future__ import annotations

from torch import Tensor

from tests.capabilities.oracles.activation import log_softmax


def nll_loss(y: Tensor, target: Tensor) -> Tensor:
    """``−mean y[n, t_n]``."""
    return -y.gather(1, target.unsqueeze(1)).sum() / target.numel()


def cross_entropy(z: Tensor, target: Tensor) -> Tensor:
    """``−mean log softmax(z)[n, t_n]``."""
    return nll_loss(log_softmax(z), target)


def mse_loss(x: Tensor, y: Tensor) -> Tensor:
    """``mean (x − y)²``."""
    return ((x - y) * (x - y)).sum() / x.numel()
