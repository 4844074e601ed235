"""Max pooling."""

from __future__ import annotations

from math import inf, isnan

import numpy as np

from manualconv.definitions.placement import Array, Index, indices, inside, output_size, position
from manualconv.geometry import Window


def max_pool(x: Array, window: Window, ceil_mode: bool = False) -> tuple[Array, Array]:
    """Values and flat positions of every window's maximum: ``(N, C, *I)`` → twice ``(N, C, *P)``.

    Taps in row-major order, a later one wins only if it is larger, so ties go to the first; a NaN wins over everything,
    the last one where there are several.  Padding takes no part.
    """
    size = output_size(window, ceil_mode)
    y = np.zeros((*x.shape[:2], *size), x.dtype)
    winner = np.zeros(y.shape, np.int64)
    for at in indices(y.shape):
        best, best_at = -inf, None
        for k in indices(window.kernel_size):
            i = position(at[2:], k, window)
            if inside(i, window.input_size):
                value = x[at[:2] + i]
                if best_at is None or value > best or isnan(value):
                    best, best_at = value, i
        assert best_at is not None, "a window on padding alone has no maximum"
        y[at] = best
        winner[at] = np.ravel_multi_index(best_at, window.input_size)
    return y, winner


def max_pool_gradient(y: Array, winner: Array, window: Window) -> Array:
    """``x[l] = Σ_{p : i*(p) = l} y[p]``: each cotangent to the position that won, sums where windows overlap."""
    x = np.zeros((*y.shape[:2], *window.input_size), y.dtype)
    for at in indices(y.shape):
        x[at[:2] + np.unravel_index(winner[at], window.input_size)] += y[at]
    return x


def max_unpool(y: Array, index: Array, size: Index) -> Array:
    """``x[l] = y[p]`` where ``index[p] = l``, one after another, so that the last of several stays; 0 elsewhere."""
    x = np.zeros((*y.shape[:2], *size), y.dtype)
    for at in indices(y.shape):
        x[at[:2] + np.unravel_index(index[at], size)] = y[at]
    return x


def max_unpool_gradient(x: Array, index: Array) -> Array:
    """``y[p] = x[index[p]]``, torch's convention also where a position is named twice."""
    y = np.zeros(index.shape, x.dtype)
    for at in indices(index.shape):
        y[at] = x[at[:2]].flat[index[at]]
    return y


def max_pool_tied_gradient(x: Array, y: Array, window: Window, ceil_mode: bool = False) -> Array:
    """Each cotangent in equal parts to all positions of its window that attain the maximum; a NaN attains nothing."""
    values, winner = max_pool(x, window, ceil_mode)
    x_bar = np.zeros(x.shape, y.dtype)
    for at in indices(y.shape):
        read = [position(at[2:], k, window) for k in indices(window.kernel_size)]
        tied = [i for i in read if inside(i, window.input_size) and x[at[:2] + i] == values[at]]
        for i in tied or [np.unravel_index(winner[at], window.input_size)]:
            x_bar[at[:2] + i] += y[at] / max(len(tied), 1)
    return x_bar
