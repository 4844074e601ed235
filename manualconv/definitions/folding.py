"""Unfold and fold, each the other's backward.

    V[n, (c k), p] = A[n, c, i]                            i = s·p + d·k − a, A = 0 outside
    A[n, c, i] += V[n, (c k), p]

So dA = fold(dV) of ``V = unfold(A)``, and dV = unfold(dA) of ``A = fold(V)``.

Shapes: A ``(N, C, *I)``, V ``(N, C·ΠK, ΠP)``.

>>> import numpy as np
>>> from manualconv.definitions import fold, unfold
>>> from manualconv.geometry import Window
>>> window = Window((4,), (2,), stride=(1,), dilation=(1,), padding=((0, 0),))
>>> V = unfold(np.array([[[1, 2, 3, 4]]]), window)
>>> V  # a row a tap, a column a window
array([[[1, 2, 3],
        [2, 3, 4]]])
>>> fold(V, window)  # 2 and 3 are read twice
array([[[1, 4, 6, 4]]])
"""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np

from manualconv.definitions.placement import Array, indices, inside, output_size, position
from manualconv.geometry import Window

#: All samples and channels.
EVERY = (slice(None), slice(None))


def unfold(A: Array, window: Window) -> Array:
    """V: every window as a column."""
    size = output_size(window)
    V = np.zeros((*A.shape[:2], *window.kernel_size, *size), A.dtype)
    for k, p in product(indices(window.kernel_size), indices(size)):
        i = position(p, k, window)
        if inside(i, window.input_size):
            V[EVERY + k + p] = A[EVERY + i]
    return V.reshape(len(A), A.shape[1] * prod(window.kernel_size), prod(size))


def fold(V: Array, window: Window) -> Array:
    """A: every column added where its window lies."""
    size, channels = output_size(window), V.shape[1] // prod(window.kernel_size)
    V = V.reshape(len(V), channels, *window.kernel_size, *size)
    A = np.zeros((len(V), channels, *window.input_size), V.dtype)
    for k, p in product(indices(window.kernel_size), indices(size)):
        i = position(p, k, window)
        if inside(i, window.input_size):
            A[EVERY + i] += V[EVERY + k + p]
    return A
