"""Losses."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from tests.capabilities.oracles.activation import log_softmax, sigmoid


def nll_loss(y: Tensor, target: Tensor) -> Tensor:
    """``−mean y[n, t_n]``."""
    return -y.gather(1, target.unsqueeze(1)).sum() / target.numel()


def cross_entropy(z: Tensor, target: Tensor) -> Tensor:
    """``−mean log softmax(z)[n, t_n]``."""
    return nll_loss(log_softmax(z), target)


def mse_loss(x: Tensor, y: Tensor) -> Tensor:
    """``mean (x − y)²``."""
    return ((x - y) * (x - y)).sum() / x.numel()


def soft_cross_entropy(smoothing: float) -> Callable[[Tensor, Tensor], Tensor]:
    """``−1/N Σ_n,c ((1 − ε)·q[n, c] + ε/C)·log softmax(z)[n, c]``."""
    return lambda z, q: -(log_softmax(z) * (q * (1 - smoothing) + smoothing / z.shape[1])).sum() / z.shape[0]


def binary_cross_entropy(x: Tensor, t: Tensor) -> Tensor:
    """``−mean (t·log x + (1 − t)·log(1 − x))``."""
    _ordered(x)
    return -(t * x.log() + (1 - t) * (1 - x).log()).sum() / x.numel()


def binary_cross_entropy_with_logits(z: Tensor, t: Tensor) -> Tensor:
    """`binary_cross_entropy` of the sigmoid."""
    return binary_cross_entropy(sigmoid(z), t)


def l1_loss(x: Tensor, y: Tensor) -> Tensor:
    """``mean |x − y|``."""
    return (x - y).abs().sum() / x.numel()


def huber_loss(delta: float) -> Callable[[Tensor, Tensor], Tensor]:
    """``r²/2`` within δ, ``δ·(|r| − δ/2)`` beyond."""

    def apply(x: Tensor, y: Tensor) -> Tensor:
        _ordered(x)
        r = (x - y).abs()
        inside = r < delta
        return (inside * r * r / 2 + ~inside * delta * (r - delta / 2)).sum() / x.numel()

    return apply


def smooth_l1_loss(beta: float) -> Callable[[Tensor, Tensor], Tensor]:
    """Huber's loss divided by β."""
    return lambda x, y: huber_loss(beta)(x, y) / beta


def _ordered(x: Tensor) -> None:
    if x.is_complex():
        raise NotImplementedError("complex numbers have no order")
