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


def _planar(*options: bool | int | None) -> Operation:
    """With ceil_mode, count_include_pad and divisor_override, on an input whose last windows hang over."""
    kernel, stride, pad = (3, 2), (2, 3), (1, 1)
    oracle = oracles.avg_pool(kernel, stride, pad, *options)
    return same("avg_pool2d", oracle, ((2, 2, 6, 5),), kernel, stride, pad, *options)


OPERATIONS |= {
    "avg_pool2d, ceil_mode": _planar(True),
    "avg_pool2d, ceil_mode, padding not counted": _planar(True, False),
    "avg_pool2d, divisor_override": _planar(False, True, -5),
}
