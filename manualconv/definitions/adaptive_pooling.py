"""Adaptive and fractional pooling, forward and backward: as many parts of an axis as are asked for.

Adaptive: I positions in P intervals, the p-th from ⌊p·I/P⌋ up to, but not at, ⌈(p + 1)·I/P⌉.
Fractional: P windows of K positions, the p-th from ⌊(p + u)·α⌋ − ⌊u·α⌋, α = (I − K)/(P − 1), the last from I − K.

    mean       Z[n, c, p] = Σ_{i ∈ p} A[n, c, i] / |p|         dA[n, c, i] += dZ[n, c, p] / |p|
    maximum    Z[n, c, p] = A[n, c, i*(p)]                     dA[n, c, i*(p)] += dZ[n, c, p]

Shapes: A, dA ``(N, C, *I)``, Z, dZ and the winners i* ``(N, C, *P)``.

>>> import numpy as np
>>> from manualconv.definitions import adaptive_avg_pool, adaptive_avg_pool_gradient, adaptive_max_pool
>>> from manualconv.definitions import adaptive_max_pool_gradient, interval
>>> [interval((p,), (5,), (3,)) for p in range(3)]
[[(0,), (1,)], [(1,), (2,), (3,)], [(3,), (4,)]]
>>> A = np.array([[[1.0, 3, 5, 7, 9]]])
>>> adaptive_avg_pool(A, (3,))
array([[[2., 5., 8.]]])
>>> adaptive_avg_pool_gradient(np.array([[[2.0, 3, 4]]]), (5,))
array([[[1., 2., 1., 3., 2.]]])
>>> Z, winner = adaptive_max_pool(A, (3,))
>>> Z, adaptive_max_pool_gradient(np.array([[[2.0, 3, 4]]]), winner, (5,))
(array([[[3., 7., 9.]]]), array([[[0., 2., 0., 3., 4.]]]))
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from math import floor, inf, isnan

import numpy as np

from manualconv.definitions.placement import Array, Index, indices


def interval(p: Index, input_size: Index, output_size: Index) -> list[Index]:
    """The positions in interval p of several axes, row-major."""
    return list(
        product(
            *(
                range(q * length // parts, -(-(q + 1) * length // parts))
                for q, length, parts in zip(p, input_size, output_size, strict=True)
            )
        )
    )


def adaptive_avg_pool(A: Array, output_size: Index) -> Array:
    """Z, the means."""
    Z = np.zeros((*A.shape[:2], *output_size), A.dtype)
    for at in indices(Z.shape):
        positions = interval(at[2:], A.shape[2:], output_size)
        for i in positions:
            Z[at] += A[at[:2] + i]
        Z[at] /= len(positions)
    return Z


def adaptive_avg_pool_gradient(dZ: Array, input_size: Index) -> Array:
    """The gradient dA."""
    dA = np.zeros((*dZ.shape[:2], *input_size), dZ.dtype)
    for at in indices(dZ.shape):
        positions = interval(at[2:], input_size, dZ.shape[2:])
        for i in positions:
            dA[at[:2] + i] += dZ[at] / len(positions)
    return dA


def adaptive_max_pool(A: Array, output_size: Index) -> tuple[Array, Array]:
    """Z and the winners, as flat positions; ties to the first, NaN wins, the last of several."""
    return _maximum(A, output_size, lambda n, c, p: interval(p, A.shape[2:], output_size))


def _maximum(A: Array, output_size: Index, places: Callable[[int, int, Index], list[Index]]) -> tuple[Array, Array]:
    Z = np.zeros((*A.shape[:2], *output_size), A.dtype)
    winner = np.zeros(Z.shape, np.int64)
    for at in indices(Z.shape):
        best, best_at = -inf, None
        for i in places(at[0], at[1], at[2:]):
            value = A[at[:2] + i]
            if best_at is None or value > best or isnan(value):
                best, best_at = value, i
        assert best_at is not None, "a part without positions has no maximum"
        Z[at] = best
        winner[at] = np.ravel_multi_index(best_at, A.shape[2:])
    return Z, winner


def adaptive_max_pool_gradient(dZ: Array, winner: Array, input_size: Index) -> Array:
    """The gradient dA, of fractional pooling too."""
    dA = np.zeros((*dZ.shape[:2], *input_size), dZ.dtype)
    for at in indices(dZ.shape):
        dA[at[:2] + np.unravel_index(winner[at], input_size)] += dZ[at]
    return dA


def start(p: int, u: float, length: int, kernel: int, parts: int) -> int:
    """Where the p-th of the fractional windows starts; exact for fractions u."""
    if p == parts - 1:
        return length - kernel
    alpha = Fraction(length - kernel, parts - 1)
    return floor((p + Fraction(u)) * alpha) - floor(Fraction(u) * alpha)


def fractional_max_pool(A: Array, samples: Array, kernel: Index, output_size: Index) -> tuple[Array, Array]:
    """Z and the winners, as flat positions; the samples of images begin with the last axis's."""

    def places(n: int, c: int, p: Index) -> list[Index]:
        u = samples[n, c][::-1] if len(kernel) == 2 else samples[n, c]
        starts = [start(q, float(v), *sizes) for q, v, *sizes in zip(p, u, A.shape[2:], kernel, output_size)]
        return list(product(*(range(a, a + k) for a, k in zip(starts, kernel))))

    return _maximum(A, output_size, places)
