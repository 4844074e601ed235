"""Max pooling."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from manualconv import functional
from tests.capabilities import oracles
from tests.capabilities.operations.row import Apply, Operation, same

SETTINGS = {
    1: ((3,), (2,), (1,), (2,), (2, 2, 8)),
    2: ((3, 2), (2, 1), (1, 1), (1, 2), (2, 2, 5, 4)),
    3: ((2, 1, 3), (1, 2, 1), (1, 0, 1), (1, 1, 2), (2, 2, 3, 3, 4)),
}


def _unpooled(layer: Any) -> Apply:
    """Each entry of ``(N, C, *P)`` at a place of its own on a larger output."""

    def apply(y: Tensor) -> Tensor:
        return layer(y, oracles.places_backwards(y).to(y.device), 2)

    return apply


def _unpooling(n: int, shape: tuple[int, ...]) -> Operation:
    by_hand, referee = getattr(functional, f"max_unpool{n}d"), getattr(F, f"max_unpool{n}d")
    return Operation(_unpooled(by_hand), _unpooled(referee), oracles.max_unpool, (shape,))


OPERATIONS: dict[str, Operation] = {
    f"max_pool{n}d": same(f"max_pool{n}d", oracles.max_pool(k, s, p, d), (shape,), k, s, p, d)
    for n, (k, s, p, d, shape) in SETTINGS.items()
}
OPERATIONS["max_pool2d, ceil_mode"] = same(
    "max_pool2d",
    oracles.max_pool((3, 2), (2, 3), (1, 0), (1, 1), True),
    ((2, 2, 6, 4),),
    *((3, 2), (2, 3), (1, 0), (1, 1), True),
)
OPERATIONS |= {f"max_unpool{n}d": _unpooling(n, (2, 2, 3, 2, 2)[: n + 2]) for n in (1, 2, 3)}
