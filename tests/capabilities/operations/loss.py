"""Losses."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tests.capabilities import oracles
from tests.capabilities.operations.row import Operation, both, same


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


OPERATIONS: dict[str, Operation] = {
    "nll_loss": _against_classes("nll_loss", oracles.nll_loss),
    "cross_entropy": _against_classes("cross_entropy", oracles.cross_entropy),
    "mse_loss": same("mse_loss", oracles.mse_loss, ((2, 3), (2, 3))),
}
