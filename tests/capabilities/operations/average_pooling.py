"""Average pooling."""

from __future__ import annotations

from tests.capabilities import oracles
from tests.capabilities.operations.row import Operation, same

IMAGE = ((2, 2, 5, 4),)
OPERATIONS: dict[str, Operation] = {
    "avg_pool2d": same("avg_pool2d", oracles.avg_pool((2, 3), (2, 1), (1, 0)), IMAGE, (2, 3), (2, 1), (1, 0)),
}
