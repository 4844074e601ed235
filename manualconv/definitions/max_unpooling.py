"""Max unpooling, forward and backward: values put back where they were the maximum.

    Z[n, c, index[n, c, p]] = A[n, c, p]               0 elsewhere; the last of several stays
    dA[n, c, p] = dZ[n, c, index[n, c, p]]             torch's convention also where a position is named twice

Shapes: A, dA and the flat positions `index` ``(N, C, *P)``, Z, dZ ``(N, C, *I)``.

>>> import numpy as np
>>> from manualconv.definitions import max_unpool, max_unpool_gradient
>>> A, index = np.array([[[4, 5]]]), np.array([[[1, 2]]])
>>> max_unpool(A, index, (4,))
array([[[0, 4, 5, 0]]])
>>> max_unpool_gradient(np.array([[[1, 2, 3, 4]]]), index)
array([[[2, 3]]])
"""

from __future__ import annotations

import numpy as np

from manualconv.definitions.placement import Array, Index, indices


def max_unpool(A: Array, index: Array, size: Index) -> Array:
    """Z, of the spatial `size`."""
    Z = np.zeros((*A.shape[:2], *size), A.dtype)
    for at in indices(A.shape):
        Z[at[:2] + np.unravel_index(index[at], size)] = A[at]
    return Z


def max_unpool_gradient(dZ: Array, index: Array) -> Array:
    """The gradient dA."""
    dA = np.zeros(index.shape, dZ.dtype)
    for at in indices(index.shape):
        dA[at] = dZ[at[:2]].flat[index[at]]
    return dA
