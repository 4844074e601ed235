"""Max pooling, forward and backward (the article's Figs 12 and 13).

    Z[n, c, p] = max_k A[n, c, i]                              i = s·p + d·k − a, padding takes no part

The mask remembers where the maximum was: M is 1 at the tap that won its window and 0 at all others.

    dA[n, c, i] += M[n, c, p, k] · dZ[n, c, p]                 sums where windows overlap

Ties: the first of the taps in row-major order wins; with split ties M is 1 at each of them, and they share dZ evenly.

Shapes: A, dA ``(N, C, *I)``, Z, dZ and the winners ``(N, C, *P)``, M ``(N, C, *P, *K)``.

>>> import numpy as np
>>> from manualconv.definitions import max_pool, max_pool_gradient, max_pool_mask
>>> from manualconv.geometry import Window
>>> window = Window((4, 4), (2, 2), stride=(2, 2), dilation=(1, 1), padding=((0, 0), (0, 0)))
>>> A = np.array([[1, 2, 2, 1], [3, 4, 0, 0], [5, 2, 1, 1], [3, 4, 0, 3]]).reshape(1, 1, 4, 4)
>>> Z, winner = max_pool(A, window)
>>> Z[0, 0]
array([[4, 2],
       [5, 3]])
>>> max_pool_mask(winner, window)[0, 0, 0, 0]  # the first window, 1 2 above 3 4
array([[0, 0],
       [0, 1]])
>>> max_pool_gradient(np.array([3, 1, 8, 2]).reshape(1, 1, 2, 2), winner, window)[0, 0]
array([[0, 0, 1, 0],
       [0, 3, 0, 0],
       [8, 0, 0, 0],
       [0, 0, 0, 2]])
"""

from __future__ import annotations

from math import inf, isnan

import numpy as np

from manualconv.definitions.placement import Array, indices, inside, output_size, position
from manualconv.geometry import Window


def max_pool(A: Array, window: Window, ceil_mode: bool = False) -> tuple[Array, Array]:
    """Z and the winners: the flat position in ``*I`` of every window's maximum, torch's `indices`.

    A later tap wins only if it is larger; a NaN wins over everything, the last one where there are several.
    """
    size = output_size(window, ceil_mode)
    Z = np.zeros((*A.shape[:2], *size), A.dtype)
    winner = np.zeros(Z.shape, np.int64)
    for at in indices(Z.shape):
        best, best_at = -inf, None
        for k in indices(window.kernel_size):
            i = position(at[2:], k, window)
            if inside(i, window.input_size):
                value = A[at[:2] + i]
                if best_at is None or value > best or isnan(value):
                    best, best_at = value, i
        assert best_at is not None, "a window on padding alone has no maximum"
        Z[at] = best
        winner[at] = np.ravel_multi_index(best_at, window.input_size)
    return Z, winner


def max_pool_mask(winner: Array, window: Window) -> Array:
    """M of the winners: 1 at the tap that reads the position that won."""
    M = np.zeros((*winner.shape, *window.kernel_size), np.int64)
    for at in indices(winner.shape):
        for k in indices(window.kernel_size):
            M[at + k] = position(at[2:], k, window) == np.unravel_index(winner[at], window.input_size)
    return M


def max_pool_tied_mask(A: Array, window: Window, ceil_mode: bool = False) -> Array:
    """M of split ties: 1 at every tap that attains its window's maximum; where that is NaN, at the winner's alone."""
    Z, winner = max_pool(A, window, ceil_mode)
    M = np.zeros((*Z.shape, *window.kernel_size), np.int64)
    for at in indices(Z.shape):
        for k in indices(window.kernel_size):
            i = position(at[2:], k, window)
            M[at + k] = inside(i, window.input_size) and A[at[:2] + i] == Z[at]
    alone = ~M.any(tuple(range(Z.ndim, M.ndim)))
    M[alone] = max_pool_mask(winner, window)[alone]
    return M


def through_mask(dZ: Array, M: Array, window: Window) -> Array:
    """dA, each dZ in equal parts to the taps that M marks; the others get nothing of it, not 0·dZ, which may be NaN."""
    dA = np.zeros((*dZ.shape[:2], *window.input_size), dZ.dtype)
    for at in indices(dZ.shape):
        for k in indices(window.kernel_size):
            if M[at + k]:
                dA[at[:2] + position(at[2:], k, window)] += M[at + k] * dZ[at] / M[at].sum()
    return dA


def max_pool_gradient(dZ: Array, winner: Array, window: Window) -> Array:
    """dA, ties to the first."""
    return through_mask(dZ, max_pool_mask(winner, window), window)


def max_pool_tied_gradient(A: Array, dZ: Array, window: Window, ceil_mode: bool = False) -> Array:
    """dA, ties split."""
    return through_mask(dZ, max_pool_tied_mask(A, window, ceil_mode), window)
