"""Slopes in one pass over memory, by loops for Numba, which this file imports.

    gate:  x̄[i] = t[i] where not y[i] ≤ 0, else 0

Shapes: any, in memory flat.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from manualconv.kernels.compiling import compiled

Array = np.ndarray[Any, np.dtype[Any]]


@compiled
def gate_some(t: Array, y: Array, x: Array, first: int, last: int) -> None:
    """Entries `first` … `last` − 1; both are read before one is chosen, else it is no loop for vectors."""
    nothing = x.dtype.type(0)
    for i in range(np.uint64(first), np.uint64(last)):
        a, b = y[i], t[i]
        x[i] = nothing if a <= 0 else b
