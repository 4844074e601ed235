"""Unfold and fold."""

from __future__ import annotations

import torch

from tests.capabilities import oracles
from tests.capabilities.operations.row import Operation, same


def _foldings() -> dict[str, Operation]:
    settings = {
        1: ((7,), (3,), (2,), (1,), (2,)),
        2: ((4, 5), (3, 2), (1, 2), (1, 0), (2, 1)),
        3: ((2, 3, 3), (2, 1, 2), (1, 2, 1), (0, 1, 1), (1, 2, 1)),
    }
    found = {}
    for n, (size, *rest) in settings.items():
        kernel, d, p, s = rest
        unfold = oracles.unfold(kernel, d, p, s)
        found[f"unfold, {n}-D"] = same("unfold", unfold, ((2, 2, *size),), *rest)
        columns = tuple(unfold(torch.zeros(2, 2, *size)).shape)
        found[f"fold, {n}-D"] = same("fold", oracles.fold(size, kernel, d, p, s), (columns,), size, *rest)
    return {name: found[name] for name in sorted(found, key=lambda name: name.startswith("fold"))}


OPERATIONS: dict[str, Operation] = _foldings()
