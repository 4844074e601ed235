"""Dense layers."""

from __future__ import annotations

import numpy as np

from manualconv.definitions.placement import Array, indices


def linear(x: Array, w: Array, b: Array) -> Array:
    """``y[n, o] = b[o] + Σ_c x[n, c] · w[o, c]``."""
    y = np.zeros((len(x), len(w)), x.dtype)
    for n, o in indices(y.shape):
        y[n, o] = b[o] + sum(x[n, c] * w[o, c] for c in range(x.shape[1]))
    return y


def linear_gradients(x: Array, w: Array, y: Array) -> tuple[Array, Array, Array]:
    """``dx[n, c] = Σ_o y[n, o]·w[o, c]``, ``dW[o, c] = Σ_n y[n, o]·x[n, c]``, ``db[o] = Σ_n y[n, o]``."""
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros(len(w), x.dtype)
    for n, o, c in indices((*y.shape, x.shape[1])):
        dx[n, c] += y[n, o] * w[o, c]
        dw[o, c] += y[n, o] * x[n, c]
    for n, o in indices(y.shape):
        db[o] += y[n, o]
    return dx, dw, db
