"""Padding."""

from __future__ import annotations

from tests.capabilities import oracles
from tests.capabilities.operations.row import Operation, same


def _paddings() -> dict[str, Operation]:
    pads = (1, 2, 2, 0)
    shape = ((2, 2, 3, 4),)
    found = {
        f"pad {mode}": same("pad", oracles.padding(pads, mode), shape, pads, mode)
        for mode in ("reflect", "replicate", "circular")
    }
    return {"pad constant": same("pad", oracles.padding(pads, "constant", 2.0), shape, pads, "constant", 2.0), **found}


OPERATIONS: dict[str, Operation] = _paddings()
