"""Losses."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tests.capabilities import oracles
from tests.capabilities.operations.row import Apply, Operation, both, same


def _classes(z: Tensor) -> Tensor:
    """Targets for z ``(N, C)``: n mod C."""
    return torch.arange(z.shape[0], device=z.device) % z.shape[1]


def _against_classes(name: str, oracle: Callable[[Tensor, Tensor], Tensor]) -> Operation:
    """A loss over three classes."""
    by_hand, referee = both(name)
    return Operation(
        lambda z: by_hand(z, _classes(z)),
        lambda z: referee(z, _classes(z)),
        lambda z: oracle(z, _classes(z)),
        ((2, 3),),
    )


def _between_0_and_1(name: str, oracle: Apply) -> Operation:
    """A loss of numbers x and t that are probabilities, made from numbers in −1 … 1."""
    by_hand, referee = both(name)

    def of(loss: Apply) -> Apply:
        return lambda x, t: loss((x + 1) / 2, (t + 1) / 2)

    return Operation(of(by_hand), of(referee), of(oracle), ROWS)


def _smoothed(name: str, oracle: Apply) -> Operation:
    """A loss against probabilities, a quarter of them spread evenly."""
    by_hand, referee = both(name)
    return Operation(
        lambda z, q: by_hand(z, q, label_smoothing=0.25),
        lambda z, q: referee(z, q, label_smoothing=0.25),
        oracle,
        ROWS,
    )


def _as_the_input(name: str, oracle: Apply) -> Operation:
    """A loss that is real for complex numbers too, in the dtype of its input, which the table compares."""
    by_hand, referee = both(name)

    def of(loss: Apply) -> Apply:
        return lambda x, t: loss(x, t).to(x.dtype)

    return Operation(of(by_hand), of(referee), of(oracle), ROWS)


ROWS = ((2, 3), (2, 3))
OPERATIONS: dict[str, Operation] = {
    "nll_loss": _against_classes("nll_loss", oracles.nll_loss),
    "cross_entropy": _against_classes("cross_entropy", oracles.cross_entropy),
    "cross_entropy, probabilities": _smoothed("cross_entropy", oracles.soft_cross_entropy(0.25)),
    "binary_cross_entropy": _between_0_and_1("binary_cross_entropy", oracles.binary_cross_entropy),
    "binary_cross_entropy_with_logits": same(
        "binary_cross_entropy_with_logits", oracles.binary_cross_entropy_with_logits, ROWS
    ),
    "mse_loss": same("mse_loss", oracles.mse_loss, ROWS),
    "l1_loss": _as_the_input("l1_loss", oracles.l1_loss),
    "smooth_l1_loss": same("smooth_l1_loss", oracles.smooth_l1_loss(0.5), ROWS, None, None, "mean", 0.5),
    "huber_loss": same("huber_loss", oracles.huber_loss(0.5), ROWS, "mean", 0.5),
}
