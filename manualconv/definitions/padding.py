"""Padding, forward and backward: every position of the output is a copy of one of the input, or a constant.

    Z[b, p] = A[b, i(p)]                       dA[b, i(p)] += dZ[b, p]

Where the mode is `constant` and p lies outside the input, Z is the constant, and nothing flows back.

Shapes: A, dA ``(*B, *I)``, Z, dZ ``(*B, *P)``; `padding` is ``(a, b)``, before and after, of each of the last axes.

>>> import numpy as np
>>> from manualconv.definitions import extend, fold_back
>>> A = np.array([1, 2, 3])
>>> [extend(A, ((2, 1),), mode).tolist() for mode in ("reflect", "replicate", "circular")]
[[3, 2, 1, 2, 3, 2], [1, 1, 1, 2, 3, 3], [2, 3, 1, 2, 3, 1]]
>>> extend(A, ((2, 1),), "constant", 7)
array([7, 7, 1, 2, 3, 7])
>>> fold_back(np.array([10, 20, 1, 2, 3, 40]), (3,), ((2, 1),), "reflect")  # 1, 2 + 20 + 40, 3 + 10
array([ 1, 62, 13])
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from manualconv.definitions.placement import Array, Index, indices, inside


def source(p: int, size: int, sides: tuple[int, int], mode: str) -> int:
    """``i(p)`` on one axis, found by walking: bounce at either end, stop there, or start again from the other."""
    a, b = sides
    i, low, high = p - a, 0, size
    if mode == "circular":
        low, high = max(-a, 0), size - max(-b, 0)
    while mode != "constant" and not low <= i < high:
        if mode == "reflect":
            i = -i if i < 0 else 2 * (size - 1) - i
        elif mode == "replicate":
            i += 1 if i < 0 else -1
        else:
            i += high - low if i < low else low - high
    return i


def copies(size: Index, padding: tuple[tuple[int, int], ...], mode: str) -> Iterator[tuple[Index, Index]]:
    """Every output position p that is a copy, with the input position i(p) that it copies."""
    for p in indices(tuple(i + a + b for i, (a, b) in zip(size, padding, strict=True))):
        i = tuple(source(q, length, sides, mode) for q, length, sides in zip(p, size, padding, strict=True))
        if inside(i, size):
            yield p, i


def extend(A: Array, padding: tuple[tuple[int, int], ...], mode: str, value: float = 0) -> Array:
    """Z; `value` is the constant."""
    lead = A.ndim - len(padding)
    sizes = (i + a + b for i, (a, b) in zip(A.shape[lead:], padding, strict=True))
    Z, every = np.full((*A.shape[:lead], *sizes), value, A.dtype), (slice(None),) * lead
    for p, i in copies(A.shape[lead:], padding, mode):
        Z[every + p] = A[every + i]
    return Z


def fold_back(dZ: Array, size: Index, padding: tuple[tuple[int, int], ...], mode: str) -> Array:
    """The gradient dA, of the spatial `size`."""
    lead = dZ.ndim - len(size)
    dA, every = np.zeros((*dZ.shape[:lead], *size), dZ.dtype), (slice(None),) * lead
    for p, i in copies(size, padding, mode):
        dA[every + i] += dZ[every + p]
    return dA


def constant_pad(A: Array, padding: tuple[tuple[int, int], ...], value: float = 0) -> Array:
    """`extend` with a constant."""
    return extend(A, padding, "constant", value)
