"""Trainable sub-sampling."""

from __future__ import annotations

import numpy as np

from manualconv.geometry import Window
from tests.definitions.placement import Array, indices, output_size, position


def subsample(x: Array, w: Array, b: Array, window: Window) -> Array:
    """``u[n, c, p] = b[c] + w[c] · Σ_k x[n, c, s·p + k]``: trainable sub-sampling before its activation."""
    u = np.zeros((*x.shape[:2], *output_size(window)), x.dtype)
    for n, c, *p in indices(u.shape):
        total = 0
        for k in indices(window.kernel_size):
            total += x[(n, c, *position(tuple(p), k, window))]
        u[(n, c, *p)] = b[c] + w[c] * total
    return u


def subsample_gradients(x: Array, w: Array, u: Array, window: Window) -> tuple[Array, Array, Array]:
    """What the cotangent u gives x, w and b: ``w[c]·u`` at every position of a window, ``Σ u·Σ_k x``, ``Σ u``."""
    x_bar, w_bar, b_bar = np.zeros_like(x), np.zeros_like(w), np.zeros_like(w)
    for n, c, *p in indices(u.shape):
        delta = u[(n, c, *p)]
        b_bar[c] += delta
        for k in indices(window.kernel_size):
            i = position(tuple(p), k, window)
            x_bar[(n, c, *i)] += w[c] * delta
            w_bar[c] += delta * x[(n, c, *i)]
    return x_bar, w_bar, b_bar
