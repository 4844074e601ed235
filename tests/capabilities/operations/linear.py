"""Dense layers."""

from __future__ import annotations

from tests.capabilities import oracles
from tests.capabilities.operations.row import Operation, same

OPERATIONS: dict[str, Operation] = {
    "linear": same("linear", oracles.linear, ((2, 4), (3, 4), (3,))),
    "flatten": same("flatten", lambda x: x.reshape(x.shape[0], -1), ((2, 3, 2),), 1),
}
