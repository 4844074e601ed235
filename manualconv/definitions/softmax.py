"""Softmax and its logarithm, forward and backward, row by row.

    P[n, i] = e^Z[n, i] / Σ_j e^Z[n, j]                 L = log P

    ∂P_j/∂Z_i = P_j·(δ_ij − P_i)                        dZ[n, i] = Σ_j dP[n, j]·P[n, j]·(δ_ij − P[n, i])
    ∂L_j/∂Z_i = δ_ij − P_i                              dZ[n, i] = Σ_j dL[n, j]·(δ_ij − P[n, i])

Shapes: all ``(N, C)``.

>>> import numpy as np
>>> from manualconv.definitions import softmax, softmax_gradient
>>> Z = np.array([[1.0, 2, 3]])
>>> softmax(Z).round(5)
array([[0.09003, 0.24473, 0.66524]])
>>> softmax_gradient(Z, np.array([[0.0, 0, 1]])).round(5)  # the last column of diag(p) − ppᵀ
array([[-0.05989, -0.1628 ,  0.2227 ]])
"""

from __future__ import annotations

from math import exp, log

import numpy as np

from manualconv.definitions.placement import Array, indices


def log_softmax(Z: Array) -> Array:
    """``L[n, c] = Z[n, c] − log Σ_j e^Z[n, j]``, the largest entry taken out of the sum."""
    L = np.zeros(Z.shape)
    for n, row in enumerate(Z):
        top = max(row)
        L[n] = row - (top + log(sum(exp(z - top) for z in row)))
    return L


def softmax(Z: Array) -> Array:
    """``P = e^L``."""
    P: Array = np.exp(log_softmax(Z))
    return P


def softmax_gradient(Z: Array, dP: Array) -> Array:
    """The gradient dZ, from dP."""
    P, dZ = softmax(Z), np.zeros(Z.shape)
    for n, i in indices(Z.shape):
        dZ[n, i] = sum(dP[n, j] * P[n, j] * ((i == j) - P[n, i]) for j in range(Z.shape[1]))
    return dZ


def log_softmax_gradient(Z: Array, dL: Array) -> Array:
    """The gradient dZ, from dL."""
    P, dZ = softmax(Z), np.zeros(Z.shape)
    for n, i in indices(Z.shape):
        dZ[n, i] = sum(dL[n, j] * ((i == j) - P[n, i]) for j in range(Z.shape[1]))
    return dZ
