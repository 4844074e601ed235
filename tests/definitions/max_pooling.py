"""Max pooling."""

from __future__ import annotations

from math import inf, isnan

import numpy as np

from manualconv.geometry import Window
from tests.definitions.placement import Array, Index, indices, inside, output_size, position


def max_pool(x: Array, window: Window, ceil_mode: bool = False) -> tuple[Array, Array]:
    """Values and flat positions of every window's maximum: ``(N, C, *I)`` → twice ``(N, C, *P)``.

    Taps in row-major order, a later one wins only if it is larger, so ties go to the first; a NaN wins over everything,
    the last one where there are several.  Padding takes no part.
    """
    size = output_size(window, ceil_mode)
    y = np.zeros((*x.shape[:2], *size), x.dtype)
    winner = np.zeros(y.shape, np.int64)
    for n, c, *p in indices(y.shape):
        best, best_at = -inf, None
        for k in indices(window.kernel_size):
            i = position(tuple(p), k, window)
            if inside(i, window.input_size):
                value = x[(n, c, *i)]
                if best_at is None or value > best or isnan(value):
                    best, best_at = value, i
        y[(n, c, *p)] = best
        winner[(n, c, *p)] = np.ravel_multi_index(best_at, window.input_size)
    return y, winner


def max_pool_gradient(y: Array, winner: Array, window: Window) -> Array:
    """``x[l] = Σ_{p : i*(p) = l} y[p]``: each cotangent to the position that won, sums where windows overlap."""
    x = np.zeros((*y.shape[:2], *window.input_size), y.dtype)
    for n, c, *p in indices(y.shape):
        at = (n, c, *p)
        x[(n, c, *np.unravel_index(winner[at], window.input_size))] += y[at]
    return x


def max_unpool(y: Array, index: Array, size: Index) -> Array:
    """``x[l] = y[p]`` where ``index[p] = l``, one after another, so that the last of several stays; 0 elsewhere."""
    x = np.zeros((*y.shape[:2], *size), y.dtype)
    for n, c, *p in indices(y.shape):
        x[(n, c, *np.unravel_index(index[(n, c, *p)], size))] = y[(n, c, *p)]
    return x


def max_unpool_gradient(x: Array, index: Array) -> Array:
    """``y[p] = x[index[p]]``, torch's convention also where a position is named twice."""
    y = np.zeros(index.shape, x.dtype)
    for n, c, *p in indices(index.shape):
        y[(n, c, *p)] = x[n, c].flat[index[(n, c, *p)]]
    return y


def max_pool_tied_gradient(x: Array, y: Array, window: Window, ceil_mode: bool = False) -> Array:
    """Each cotangent in equal parts to all positions of its window that attain the maximum; a NaN attains nothing."""
    values, winner = max_pool(x, window, ceil_mode)
    x_bar = np.zeros(x.shape, y.dtype)
    for n, c, *p in indices(y.shape):
        at = (n, c, *p)
        read = [position(tuple(p), k, window) for k in indices(window.kernel_size)]
        tied = [i for i in read if inside(i, window.input_size) and x[(n, c, *i)] == values[at]]
        for i in tied or [np.unravel_index(winner[at], window.input_size)]:
            x_bar[(n, c, *i)] += y[at] / max(len(tied), 1)
    return x_bar
