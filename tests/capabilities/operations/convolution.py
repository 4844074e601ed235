"""Convolution and its transpose."""

from __future__ import annotations

from tests.capabilities import oracles
from tests.capabilities.operations.row import Operation, same


def _convolutions() -> dict[str, Operation]:
    settings = {
        1: ((2,), (1,), (2,), ((2, 4, 7), (4, 2, 3), (4,))),
        2: ((2, 1), (1, 2), (1, 2), ((2, 4, 4, 3), (2, 2, 3, 2), (2,))),
        3: ((1, 2, 1), (0, 1, 1), (2, 1, 1), ((2, 2, 3, 3, 2), (2, 1, 2, 1, 2), (2,))),
    }
    found = {
        f"conv{n}d": same(f"conv{n}d", oracles.convolution(s, p, d, 2), shapes, s, p, d, 2)
        for n, (s, p, d, shapes) in settings.items()
    }
    turned = {
        1: ((3,), (1,), (2,), (2,), ((2, 4, 3), (4, 2, 3), (4,))),
        2: ((2, 3), (1, 0), (1, 2), (2, 1), ((2, 2, 2, 3), (2, 2, 2, 3), (4,))),
        3: ((1, 2, 2), (0, 1, 0), (0, 1, 0), (1, 1, 2), ((2, 2, 2, 2, 2), (2, 1, 1, 2, 2), (2,))),
    }
    for n, (s, p, o, d, shapes) in turned.items():
        name = f"conv_transpose{n}d"
        found[name] = same(name, oracles.transposed(s, p, o, 2, d), shapes, s, p, o, 2, d)
    return found


OPERATIONS: dict[str, Operation] = _convolutions()
