"""Adaptive and fractional pooling: as many parts of an axis as are asked for.

Adaptive: I positions in P intervals, the p-th from ⌊p·I/P⌋ up to, but not at, ⌈(p + 1)·I/P⌉.
Fractional: P windows of K positions, the p-th from ⌊(p + u)·α⌋ − ⌊u·α⌋, α = (I − K)/(P − 1), the last from I − K.
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


def adaptive_avg_pool(x: Array, output_size: Index) -> Array:
    """``y[n, c, p] = Σ_{i ∈ p} x[n, c, i] / |p|``."""
    y = np.zeros((*x.shape[:2], *output_size), x.dtype)
    for at in indices(y.shape):
        positions = interval(at[2:], x.shape[2:], output_size)
        for i in positions:
            y[at] += x[at[:2] + i]
        y[at] /= len(positions)
    return y


def adaptive_avg_pool_gradient(y: Array, input_size: Index) -> Array:
    """``x[n, c, i] = Σ_{p ∋ i} y[n, c, p] / |p|``."""
    x = np.zeros((*y.shape[:2], *input_size), y.dtype)
    for at in indices(y.shape):
        positions = interval(at[2:], input_size, y.shape[2:])
        for i in positions:
            x[at[:2] + i] += y[at] / len(positions)
    return x


def adaptive_max_pool(x: Array, output_size: Index) -> tuple[Array, Array]:
    """Values and flat positions of every interval's maximum; ties to the first, NaN wins, the last of several."""
    return _maximum(x, output_size, lambda n, c, p: interval(p, x.shape[2:], output_size))


def _maximum(x: Array, output_size: Index, places: Callable[[int, int, Index], list[Index]]) -> tuple[Array, Array]:
    y = np.zeros((*x.shape[:2], *output_size), x.dtype)
    winner = np.zeros(y.shape, np.int64)
    for at in indices(y.shape):
        best, best_at = -inf, None
        for i in places(at[0], at[1], at[2:]):
            value = x[at[:2] + i]
            if best_at is None or value > best or isnan(value):
                best, best_at = value, i
        assert best_at is not None, "a part without positions has no maximum"
        y[at] = best
        winner[at] = np.ravel_multi_index(best_at, x.shape[2:])
    return y, winner


def adaptive_max_pool_gradient(y: Array, winner: Array, input_size: Index) -> Array:
    """``x[l] = Σ_{p : i*(p) = l} y[p]``."""
    x = np.zeros((*y.shape[:2], *input_size), y.dtype)
    for at in indices(y.shape):
        x[at[:2] + np.unravel_index(winner[at], input_size)] += y[at]
    return x


def start(p: int, u: float, length: int, kernel: int, parts: int) -> int:
    """Where the p-th of the fractional windows starts; exact for fractions u."""
    if p == parts - 1:
        return length - kernel
    alpha = Fraction(length - kernel, parts - 1)
    return floor((p + Fraction(u)) * alpha) - floor(Fraction(u) * alpha)


def fractional_max_pool(x: Array, samples: Array, kernel: Index, output_size: Index) -> tuple[Array, Array]:
    """Values and flat positions of every window's maximum; the samples of images begin with the last axis's."""

    def places(n: int, c: int, p: Index) -> list[Index]:
        u = samples[n, c][::-1] if len(kernel) == 2 else samples[n, c]
        starts = [start(q, float(v), *sizes) for q, v, *sizes in zip(p, u, x.shape[2:], kernel, output_size)]
        return list(product(*(range(a, a + k) for a, k in zip(starts, kernel))))

    return _maximum(x, output_size, places)
