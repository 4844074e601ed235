"""Dropout, forward and backward, of a mask that was drawn: M is 1 where an entry is kept, 0 where it is dropped.

    Z = M ⊙ A / (1 − p)                                             dA = M ⊙ dZ / (1 − p)

Alpha dropout puts −s in the place of a dropped entry, then keeps mean 0 and variance 1; s = αλ of SELU:

    Z = r·(M ⊙ A − s·(1 − M) + s·p),  r = ((1 − p)·(1 + p·s²))^(−½)               dA = r·M ⊙ dZ

At p = 1 every entry is dropped, and Z and dA are 0.

Shapes: all alike; the mask of whole channels is repeated over their positions.

>>> import numpy as np
>>> from manualconv.definitions import dropout, dropout_gradient
>>> M = np.array([1, 0, 1, 0])
>>> dropout(np.array([1, 2, 3, 4]), M, 0.5)
array([2., 0., 6., 0.])
>>> dropout_gradient(np.array([5, 6, 7, 8]), M, 0.5)
array([10.,  0., 14.,  0.])
"""

from __future__ import annotations

import numpy as np

from manualconv.definitions.activation import SELU_ALPHA, SELU_SCALE
from manualconv.definitions.placement import Array, indices

#: s, what SELU tends to far below 0, negated.
SATURATION = SELU_ALPHA * SELU_SCALE


def dropout(A: Array, M: Array, p: float) -> Array:
    """Z, the layer."""
    Z = np.zeros(A.shape)
    for i in indices(A.shape):
        Z[i] = M[i] * A[i] / (1 - p) if p < 1 else 0
    return Z


def dropout_gradient(dZ: Array, M: Array, p: float) -> Array:
    """The gradient dA: the same map as forward."""
    return dropout(dZ, M, p)


def _scale(p: float) -> float:
    """The factor r."""
    return float(((1 - p) * (1 + p * SATURATION**2)) ** -0.5) if p < 1 else 0.0


def alpha_dropout(A: Array, M: Array, p: float) -> Array:
    """Z, the layer."""
    Z, r = np.zeros(A.shape), _scale(p)
    for i in indices(A.shape):
        Z[i] = r * (M[i] * A[i] - SATURATION * (1 - M[i]) + SATURATION * p)
    return Z


def alpha_dropout_gradient(dZ: Array, M: Array, p: float) -> Array:
    """The gradient dA."""
    dA, r = np.zeros(dZ.shape), _scale(p)
    for i in indices(dZ.shape):
        dA[i] = r * M[i] * dZ[i]
    return dA
