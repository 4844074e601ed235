"""Max pooling."""

from __future__ import annotations

from tests.capabilities import oracles
from tests.capabilities.operations.row import Operation, same

IMAGE = ((2, 2, 5, 4),)
OPERATIONS: dict[str, Operation] = {
    "max_pool2d": same(
        "max_pool2d", oracles.max_pool((3, 2), (2, 1), (1, 1), (1, 2)), IMAGE, (3, 2), (2, 1), (1, 1), (1, 2)
    ),
}
