"""Trainable sub-sampling."""

from __future__ import annotations

import numpy as np

from manualconv.definitions.placement import Array, indices, output_size, position
from manualconv.geometry import Window


def subsample(x: Array, w: Array, b: Array, window: Window) -> Array:
    """``u[n, c, p] = b[c] + w[c] · Σ_k x[n, c, s·p + k]``: trainable sub-sampling before its activation."""
    u = np.zeros((*x.shape[:2], *output_size(window)), x.dtype)
    for at in indices(u.shape):
        c, total = at[1], 0
        for k in indices(window.kernel_size):
            total += x[at[:2] + position(at[2:], k, window)]
        u[at] = b[c] + w[c] * total
    return u


def subsample_gradients(x: Array, w: Array, u: Array, window: Window) -> tuple[Array, Array, Array]:
    """What the cotangent u gives x, w and b: ``w[c]·u`` at every position of a window, ``Σ u·Σ_k x``, ``Σ u``."""
    x_bar, w_bar, b_bar = np.zeros_like(x), np.zeros_like(w), np.zeros_like(w)
    for at in indices(u.shape):
        c, delta = at[1], u[at]
        b_bar[c] += delta
        for k in indices(window.kernel_size):
            i = position(at[2:], k, window)
            x_bar[at[:2] + i] += w[c] * delta
            w_bar[c] += delta * x[at[:2] + i]
    return x_bar, w_bar, b_bar
