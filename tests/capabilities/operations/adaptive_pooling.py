"""Adaptive pooling."""

from __future__ import annotations

from tests.capabilities import oracles
from tests.capabilities.operations.row import Operation, same

#: Shape of the input and output size.
SETTINGS = {1: ((2, 2, 7), (3,)), 2: ((2, 2, 5, 3), (3, 2)), 3: ((1, 2, 3, 2, 4), (2, 1, 3))}

OPERATIONS: dict[str, Operation] = {
    f"adaptive_avg_pool{n}d": same(f"adaptive_avg_pool{n}d", oracles.adaptive_avg_pool(size), (shape,), size)
    for n, (shape, size) in SETTINGS.items()
}
