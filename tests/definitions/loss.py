"""Losses."""

from __future__ import annotations

from math import exp, log

import numpy as np

from tests.definitions.placement import Array


def log_softmax(z: Array) -> Array:
    """``y[n, c] = z[n, c] − log Σ_j e^z[n, j]``, the largest entry taken out of the sum."""
    y = np.zeros(z.shape)
    for n, row in enumerate(z):
        top = max(row)
        y[n] = row - (top + log(sum(exp(value - top) for value in row)))
    return y


def cross_entropy(z: Array, target: Array) -> tuple[float, Array]:
    """``E = −1/N Σ_n log p[n, t_n]`` and ``∂E/∂z = (p − one-hot(t))/N``."""
    y = log_softmax(z)
    gradient = np.exp(y)
    for n, t in enumerate(target):
        gradient[n, t] -= 1
    return -sum(y[n, t] for n, t in enumerate(target)) / len(z), gradient / len(z)
