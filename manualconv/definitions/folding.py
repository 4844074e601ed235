"""Unfold and fold."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np

from manualconv.definitions.placement import Array, indices, inside, output_size, position
from manualconv.geometry import Window

#: All samples and channels.
EVERY = (slice(None), slice(None))


def unfold(x: Array, window: Window) -> Array:
    """``v[n, (c k), p] = x[n, c, s·p + d·k − a]``, ``(N, C, *I)`` → ``(N, C·ΠK, ΠP)``."""
    size = output_size(window)
    v = np.zeros((*x.shape[:2], *window.kernel_size, *size), x.dtype)
    for k, p in product(indices(window.kernel_size), indices(size)):
        i = position(p, k, window)
        if inside(i, window.input_size):
            v[EVERY + k + p] = x[EVERY + i]
    return v.reshape(len(x), x.shape[1] * prod(window.kernel_size), prod(size))


def fold(v: Array, window: Window) -> Array:
    """``x[n, c, i] = Σ_{k,p : s·p + d·k − a = i} v[n, (c k), p]``, ``(N, C·ΠK, ΠP)`` → ``(N, C, *I)``."""
    size, channels = output_size(window), v.shape[1] // prod(window.kernel_size)
    v = v.reshape(len(v), channels, *window.kernel_size, *size)
    x = np.zeros((len(v), channels, *window.input_size), v.dtype)
    for k, p in product(indices(window.kernel_size), indices(size)):
        i = position(p, k, window)
        if inside(i, window.input_size):
            x[EVERY + i] += v[EVERY + k + p]
    return x
