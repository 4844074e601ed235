"""Average pooling, forward and backward.

    Z[n, c, p] = Σ_k A[n, c, i] / D[p]                 i = s·p + k − a, A = 0 outside
    dA[n, c, i] += dZ[n, c, p] / D[p]                  to every tap of the window the same

D is what a window's sum is divided by: its number of taps, or what the options say.

Shapes: A, dA ``(N, C, *I)``, Z, dZ ``(N, C, *P)``, D ``(*P,)``.

>>> import numpy as np
>>> from manualconv.definitions import avg_pool, avg_pool_gradient, divisors
>>> from manualconv.geometry import Window
>>> window = Window((4, 4), (2, 2), stride=(2, 2), dilation=(1, 1), padding=((0, 0), (0, 0)))
>>> A = np.array([[1, 2, 2, 1], [3, 4, 0, 0], [5, 2, 1, 1], [3, 4, 0, 3]]).reshape(1, 1, 4, 4)
>>> D = divisors(window)  # 4 everywhere
>>> avg_pool(A, window, D)[0, 0]
array([[2.5 , 0.75],
       [3.5 , 1.25]])
>>> avg_pool_gradient(np.array([[[[4, 8], [12, 16]]]]), window, D)[0, 0]
array([[1., 1., 2., 2.],
       [1., 1., 2., 2.],
       [3., 3., 4., 4.],
       [3., 3., 4., 4.]])
"""

from __future__ import annotations

from itertools import product

import numpy as np

from manualconv.definitions.placement import Array, indices, inside, output_size, position
from manualconv.geometry import Window


def divisors(
    window: Window, ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None
) -> Array:
    """D: each window's taps on the input, or on the input and the padding.

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


def avg_pool(A: Array, window: Window, D: Array) -> Array:
    """Z, of as many placements as D has entries."""
    Z = np.zeros((*A.shape[:2], *D.shape), A.dtype)
    for at, k in product(indices(Z.shape), indices(window.kernel_size)):
        i = position(at[2:], k, window)
        if inside(i, window.input_size):
            Z[at] += A[at[:2] + i]
    return Z / D


def avg_pool_gradient(dZ: Array, window: Window, D: Array) -> Array:
    """The gradient dA."""
    dA = np.zeros((*dZ.shape[:2], *window.input_size))
    for at, k in product(indices(dZ.shape), indices(window.kernel_size)):
        i = position(at[2:], k, window)
        if inside(i, window.input_size):
            dA[at[:2] + i] += dZ[at] / D[at[2:]]
    return dA
