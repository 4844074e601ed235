"""Trainable sub-sampling, the S layers of LeNet-5, forward and backward before the activation.

    Z[n, c, p] = b[c] + W[c] · Σ_k A[n, c, i]              i = s·p + k

    dA[n, c, i] += W[c] · dZ[n, c, p]        dW[c] += A[n, c, i] · dZ[n, c, p]        db[c] += dZ[n, c, p]

Shapes: A, dA ``(N, C, *I)``, W, dW, b, db ``(C,)``, Z, dZ ``(N, C, *P)``.

>>> import numpy as np
>>> from manualconv.definitions import subsample, subsample_gradients
>>> from manualconv.geometry import Window
>>> window = Window((4,), (2,), stride=(2,), dilation=(1,), padding=((0, 0),))
>>> A, W, b = np.array([[[1, 2, 3, 4]]]), np.array([10]), np.array([5])
>>> subsample(A, W, b, window)
array([[[35, 75]]])
>>> dA, dW, db = subsample_gradients(A, W, np.array([[[1, 2]]]), window)
>>> dA, dW, db
(array([[[10, 10, 20, 20]]]), array([17]), array([3]))
"""

from __future__ import annotations

import numpy as np

from manualconv.definitions.placement import Array, indices, output_size, position
from manualconv.geometry import Window


def subsample(A: Array, W: Array, b: Array, window: Window) -> Array:
    """Z, the layer before its activation."""
    Z = np.zeros((*A.shape[:2], *output_size(window)), A.dtype)
    for at in indices(Z.shape):
        c, total = at[1], 0
        for k in indices(window.kernel_size):
            total += A[at[:2] + position(at[2:], k, window)]
        Z[at] = b[c] + W[c] * total
    return Z


def subsample_gradients(A: Array, W: Array, dZ: Array, window: Window) -> tuple[Array, Array, Array]:
    """dA, dW and db."""
    dA, dW, db = np.zeros_like(A), np.zeros_like(W), np.zeros_like(W)
    for at in indices(dZ.shape):
        c = at[1]
        db[c] += dZ[at]
        for k in indices(window.kernel_size):
            i = position(at[2:], k, window)
            dA[at[:2] + i] += W[c] * dZ[at]
            dW[c] += A[at[:2] + i] * dZ[at]
    return dA, dW, db
