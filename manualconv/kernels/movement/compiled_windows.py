"""Windows added up where they were read, by one loop for Numba, which this file imports.

    x[c, i] = Σ_{k,p : s·p + d·k − a = i} v[c, k, p]             in the order of k, then of p

What a row of v, all placements along the last axis, adds to x is the same for every plane: a table says it.

Shapes: v ``(N·C, ΠK·ΠP)``, x ``(N·C, ΠI)``, in memory flat.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

import numpy as np

from manualconv.geometry import Window
from manualconv.kernels.compiling import compiled

Array = np.ndarray[Any, np.dtype[Any]]


@lru_cache(256)
def rows_of(window: Window) -> tuple[Array, int, int, int]:
    """The rows of v: where in x the first number inside goes, how many lie before it, how many are inside.

    Returns:
        the table ``(ΠK·ΠP/Q, 3)``, the length Q of a row, the stride along it, and the numbers in a plane of x.
    """
    (*before, i), (*counts, q), (*outer, s) = window.input_size, window.output_size, window.stride
    rows = list[tuple[int, int, int]]()
    for k in product(*map(range, window.kernel_size)):
        first = window.dilation[-1] * k[-1] - window.padding[-1][0]
        low = min(q, max(0, -(first // s)))
        inside = max(0, min(q, (i - 1 - first) // s + 1) - low)
        for p in product(*map(range, counts)):
            at, n = 0, inside
            for step, place, d, j, (a, _), size in zip(outer, p, window.dilation, k, window.padding, before):
                position = step * place + d * j - a
                n = n if 0 <= position < size else 0
                at = at * size + position
            rows.append((at * i + first + s * low, low, n) if n else (0, 0, 0))
    return np.array(rows, np.int64).reshape(-1, 3), q, s, prod(window.input_size)


@compiled
def fold(v: Array, x: Array, rows: Array, q: int, s: int, plane: int, first: int, last: int) -> None:
    """The sums of planes `first` … `last` − 1."""
    for c in range(first, last):
        for i in range(c * plane, (c + 1) * plane):
            x[np.uint64(i)] = 0
        for r in range(rows.shape[0]):
            of, to = np.uint64((c * rows.shape[0] + r) * q + rows[r, 1]), np.uint64(c * plane + rows[r, 0])
            for j in range(np.uint64(rows[r, 2])):
                x[to + np.uint64(s) * j] += v[of + j]
