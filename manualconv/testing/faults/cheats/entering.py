"""How a cheat is entered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from manualconv.testing.faults.bank import CHEAT, plant

Layer = Callable[..., Tensor]


def cheat(operation: str, *cheats: tuple[str, Any, str]) -> None:
    """Enter cheats of an operation."""
    plant("cheats", operation, *cheats, kind=CHEAT)


def is_plain(x: Tensor) -> bool:
    """Not under a transform, whose tensors have no memory of their own."""
    try:
        return x.data_ptr() != 0
    except RuntimeError:
        return False
