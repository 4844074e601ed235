"""Average pooling."""

from __future__ import annotations

from tests.capabilities import oracles
from tests.capabilities.operations.row import Operation, same

_SETTINGS = {
    1: ((3,), (2,), (1,), (2, 2, 7)),
    2: ((2, 3), (2, 1), (1, 0), (2, 2, 5, 4)),
    3: ((2, 1, 3), (1, 2, 1), (1, 0, 0), (2, 2, 2, 3, 4)),
}
OPERATIONS: dict[str, Operation] = {
    f"avg_pool{n}d": same(f"avg_pool{n}d", oracles.avg_pool(k, s, p), (shape,), k, s, p)
    for n, (k, s, p, shape) in _SETTINGS.items()
}
