"""Average pooling."""

from __future__ import annotations

from itertools import product

import numpy as np

from manualconv.definitions.placement import Array, indices, inside, output_size, position
from manualconv.geometry import Window


def divisors(
    window: Window, ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None
) -> Array:
    """What each window's sum is divided by, ``(*P,)``: its taps on the input, or on the input and the padding.

    The overhang of ceil_mode is neither.
    """
    size = output_size(window, ceil_mode)
    count = np.zeros(size, np.int64)
    for p, k in product(indices(size), indices(window.kernel_size)):
        on_axis = zip(position(p, k, window), window.input_size, window.padding, strict=True)
        if count_include_pad:
            count[p] += all(-a <= i < length + b for i, length, (a, b) in on_axis)
        else:
            count[p] += all(0 <= i < length for i, length, _ in on_axis)
    return count if divisor_override is None else np.full_like(count, divisor_override)


def avg_pool(x: Array, window: Window, divisor: Array) -> Array:
    """``y[n, c, p] = Σ_k x[n, c, s·p + k − a] / divisor[p]``; the shape of `divisor` says how many placements."""
    y = np.zeros((*x.shape[:2], *divisor.shape), x.dtype)
    for at, k in product(indices(y.shape), indices(window.kernel_size)):
        i = position(at[2:], k, window)
        if inside(i, window.input_size):
            y[at] += x[at[:2] + i]
    return y / divisor


def avg_pool_gradient(y: Array, window: Window, divisor: Array) -> Array:
    """``x[n, c, i] = Σ_{k,p : s·p + k − a = i} y[n, c, p] / divisor[p]``."""
    x = np.zeros((*y.shape[:2], *window.input_size))
    for at, k in product(indices(y.shape), indices(window.kernel_size)):
        i = position(at[2:], k, window)
        if inside(i, window.input_size):
            x[at[:2] + i] += y[at] / divisor[at[2:]]
    return x
