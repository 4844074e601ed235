"""The fully connected layer, forward and backward.

    Z[n, o] = b[o] + Σ_c W[o, c] · A[n, c]

    dA[n, c] += W[o, c] · dZ[n, o]            dW[o, c] += A[n, c] · dZ[n, o]            db[o] += dZ[n, o]

Shapes: A, dA ``(N, C)``, W, dW ``(O, C)``, b, db ``(O,)``, Z, dZ ``(N, O)``.

>>> import numpy as np
>>> from manualconv.definitions import linear, linear_gradients
>>> A, W, b = np.array([[1, 2], [3, 4]]), np.array([[1, -1]]), np.array([5])
>>> linear(A, W, b)
array([[4],
       [4]])
>>> dA, dW, db = linear_gradients(A, W, np.array([[1], [10]]))
>>> dA, dW, db
(array([[  1,  -1],
       [ 10, -10]]), array([[31, 42]]), array([11]))
"""

from __future__ import annotations

import numpy as np

from manualconv.definitions.placement import Array, indices


def linear(A: Array, W: Array, b: Array) -> Array:
    """Z, the layer."""
    Z = np.zeros((len(A), len(W)), A.dtype)
    for n, o in indices(Z.shape):
        Z[n, o] = b[o] + sum(W[o, c] * A[n, c] for c in range(A.shape[1]))
    return Z


def linear_gradients(A: Array, W: Array, dZ: Array) -> tuple[Array, Array, Array]:
    """dA, dW and db."""
    dA, dW, db = np.zeros_like(A), np.zeros_like(W), np.zeros(len(W), A.dtype)
    for n, o in indices(dZ.shape):
        db[o] += dZ[n, o]
        for c in range(A.shape[1]):
            dA[n, c] += W[o, c] * dZ[n, o]
            dW[o, c] += A[n, c] * dZ[n, o]
    return dA, dW, db
