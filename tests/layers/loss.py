"""Losses."""

from __future__ import annotations

import torch

from manualconv import functional, nn
from tests.layers.tables import Against, Example, Module, spread_out

CLASSES = torch.tensor([[0, 2, 1], [2, -100, 0]])
CLASS_WEIGHTS = torch.tensor([0.5, 2.0, 1.0], dtype=torch.float64)


def against_classes(loss: torch.nn.Module) -> torch.nn.Module:
    return Against(loss, CLASSES)


FUNCTIONS: dict[str, Example] = {
    "nll_loss": Example(lambda y: functional.nll_loss(y, CLASSES, CLASS_WEIGHTS.to(y.dtype)), ((2, 3, 3),)),
    "cross_entropy": Example(lambda z: functional.cross_entropy(z, CLASSES), ((2, 3, 3),)),
    "mse_loss": Example(functional.mse_loss, ((2, 3), (2, 3))),
}
MODULES: dict[str, Module] = {
    "NLLLoss": (lambda: against_classes(nn.NLLLoss(CLASS_WEIGHTS)), (2, 3, 3)),
    "CrossEntropyLoss": (lambda: against_classes(nn.CrossEntropyLoss()), (2, 3, 3)),
    "MSELoss": (lambda: Against(nn.MSELoss(), spread_out((2, 3), 9)), (2, 3)),
}
