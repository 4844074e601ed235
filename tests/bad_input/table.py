"""Every bad call there is, and a right call of each function."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F

from manualconv.testing.catalogue import activation
from tests.bad_input import (
    adaptive_pooling,
    average_pooling,
    constructors,
    convolution,
    convolution_transpose,
    dropout,
    linear,
    loss,
    max_pooling,
    misuse,
    normalization,
    unpooling,
)
from tests.bad_input.calls import Row, numbers

FAMILIES = (
    *(linear, convolution, convolution_transpose, max_pooling, unpooling, average_pooling, adaptive_pooling),
    *(dropout, normalization, loss),
)
ROWS: tuple[Row, ...] = tuple(row for family in (constructors, *FAMILIES, misuse) for row in family.rows())

_HALVES = numbers(2, 3, 4) / 2
#: Arguments of a right call of each function.
RIGHT: dict[str, dict[str, Any]] = {
    **{name: arguments for family in FAMILIES for name, arguments in family.RIGHT.items()},
    "unfold": {"input": numbers(2, 3, 4, 5), "kernel_size": 2},
    "fold": {"input": numbers(2, 12, 12), "output_size": (4, 5), "kernel_size": 2},
    "pad": {"input": numbers(2, 3, 4, 5), "pad": (1, 2, 1, 0)},
    **{each.name: {"input": _HALVES} for each in activation.OPERATIONS if hasattr(F, each.name)},
    **{name: {"input": _HALVES, "dim": 1} for name in ("softmax", "log_softmax", "softmin")},
    "threshold": {"input": _HALVES, "threshold": 0.5, "value": 2.0},
}
