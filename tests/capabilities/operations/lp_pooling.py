"""Power-average pooling."""

from __future__ import annotations

from tests.capabilities import oracles
from tests.capabilities.operations.row import Operation, same

_SETTINGS = {
    1: (3, 2, (2, 2, 7)),
    2: ((2, 3), (2, 1), (2, 2, 5, 4)),
    3: ((2, 1, 3), (1, 2, 1), (2, 2, 2, 3, 4)),
}
OPERATIONS: dict[str, Operation] = {
    f"lp_pool{n}d": same(
        f"lp_pool{n}d", oracles.lp_pool(2, *((v,) if n == 1 else v for v in (k, s))), (shape,), 2, k, s
    )
    for n, (k, s, shape) in _SETTINGS.items()
}
