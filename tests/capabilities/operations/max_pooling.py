"""Max pooling."""

from __future__ import annotations

from tests.capabilities import oracles
from tests.capabilities.operations.row import Operation, same

SETTINGS = {
    1: ((3,), (2,), (1,), (2,), (2, 2, 8)),
    2: ((3, 2), (2, 1), (1, 1), (1, 2), (2, 2, 5, 4)),
    3: ((2, 1, 3), (1, 2, 1), (1, 0, 1), (1, 1, 2), (1, 2, 3, 3, 4)),
}
OPERATIONS: dict[str, Operation] = {
    f"max_pool{n}d": same(f"max_pool{n}d", oracles.max_pool(k, s, p, d), (shape,), k, s, p, d)
    for n, (k, s, p, d, shape) in SETTINGS.items()
}
