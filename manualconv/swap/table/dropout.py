"""torch's names of dropout."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from manualconv import functional
from manualconv.functional.dropout import feature_dropout
from manualconv.swap.table.spelling import Operation


def _raw(ours: Operation, inplace: bool) -> Operation:
    """``torch.dropout`` and its kind: the flag is called `train`, and must be said."""

    def spelled(input: Tensor, p: float, train: bool) -> Any:
        if isinstance(p, (int, float)) and not 0 <= p <= 1:
            raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p} [0 <= p <= 1]")
        return ours(input, p, train, inplace)

    return spelled


OURS: dict[str, Operation] = {
    "dropout": functional.dropout,
    "feature_dropout": feature_dropout,
    "alpha_dropout": functional.alpha_dropout,
    "feature_alpha_dropout": functional.feature_alpha_dropout,
}

TABLE: dict[Operation, Operation] = {
    **{
        getattr(F, name): getattr(functional, name)
        for name in ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
    },
    **{getattr(torch, name): _raw(ours, False) for name, ours in OURS.items()},
    **{getattr(torch, f"{name}_"): _raw(ours, True) for name, ours in OURS.items()},
}
