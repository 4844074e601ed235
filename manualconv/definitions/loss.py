"""Losses, forward and backward: E, and what it changes by when its arguments do.

    cross-entropy      E = −Σ_n v[t_n]·log p[n, t_n] / Σ_n v[t_n]         dz[n, j] = v[t_n]·(p[n, j] − δ_(j t_n)) / Σ v
    squared error      e = (x − t)²                                       dx = 2·(x − t),  dt = −dx
    Huber's            e = r²/2 within δ, δ·(|r| − δ/2) beyond            dr = r within δ, ±δ beyond
    two classes        e = −t·log x − (1 − t)·log(1 − x)                  dx = (1 − t)/(1 − x) − t/x

p is the softmax of the logits z, v a weight for every class.  `reduced` makes one number of many, and leads back.

Shapes: z, dz ``(N, C)``, t ``(N,)``, v ``(C,)``; the others are losses of one pair of numbers.

>>> import numpy as np
>>> from manualconv.definitions import cross_entropy
>>> E, dz = cross_entropy(np.array([[1.0, 2, 3]]), np.array([2]), np.ones(3))
>>> round(float(E), 6), dz.round(5)
(0.407606, array([[ 0.09003,  0.24473, -0.33476]]))
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, log

import numpy as np

from manualconv.definitions.activation import logsigmoid
from manualconv.definitions.placement import Array, indices
from manualconv.definitions.softmax import log_softmax


def cross_entropy(
    z: Array, target: Array, v: Array, ignore_index: int = -100, smoothing: float = 0.0
) -> tuple[float, Array]:
    """E, the mean weighted by v[t], and ∂E/∂z, of samples whose target is not `ignore_index`.

    ``e_n = −(1 − ε)·v[t_n]·log p[n, t_n] − ε/C·Σ_c v[c]·log p[n, c]``, ``E = Σ e_n / Σ v[t_n]``; a term ``−a·log p_c``
    has the slope ``a·(p − one-hot(c))``.
    """
    y = log_softmax(z)
    total, weight, gradient = 0.0, 0.0, np.zeros(z.shape)
    for n, t in enumerate(target):
        if t == ignore_index:
            continue
        weight += v[t]
        for c in range(z.shape[1]):
            a = v[c] * (smoothing / z.shape[1] + (1 - smoothing if c == t else 0))
            total -= a * y[n, c]
            for j in range(z.shape[1]):
                gradient[n, j] += a * (exp(y[n, j]) - (j == c))
    return total / weight, gradient / weight


def soft_cross_entropy(z: Array, q: Array, v: Array) -> tuple[float, Array, Array]:
    """``E = −1/N Σ_n,c q[n, c]·v[c]·log p[n, c]``, its slopes by z and by q."""
    y = log_softmax(z)
    total, by_z, by_q = 0.0, np.zeros(z.shape), np.zeros(z.shape)
    for n, c in indices(z.shape):
        total -= q[n, c] * v[c] * y[n, c]
        by_q[n, c] = -v[c] * y[n, c]
        for j in range(z.shape[1]):
            by_z[n, j] += q[n, c] * v[c] * (exp(y[n, j]) - (j == c))
    return total / len(z), by_z / len(z), by_q / len(z)


def huber(r: float, delta: float) -> tuple[float, float]:
    """Value and slope: a parabola within δ, a straight line beyond."""
    if abs(r) <= delta:
        return r * r / 2, r
    return delta * (abs(r) - delta / 2), delta if r > 0 else -delta


def coin(z: float, t: float, u: float) -> tuple[float, float]:
    """``−u·t·log σ(z) − (1 − t)·log(1 − σ(z))`` and its slope by z."""
    heads, tails = logsigmoid(z)[0], logsigmoid(-z)[0]  # heads − z would lose the digits of one of the two
    return -u * t * heads - (1 - t) * tails, (1 - t) * exp(heads) - u * t * exp(tails)


def bce(x: float, t: float) -> tuple[float, float, float]:
    """``−t·log x − (1 − t)·log(1 − x)`` and its slopes by x and t."""
    return -t * log(x) - (1 - t) * log(1 - x), (1 - t) / (1 - x) - t / x, log(1 - x) - log(x)


def weighted_entropy(y: Array, q: Array, v: Array) -> tuple[Array, Callable[[Array], tuple[Array, Array, Array]]]:
    """``e[n] = −Σ_c q[n, c]·v[c]·y[n, c]``, and what cotangents of e give y, q and v."""

    def gradients(g: Array) -> tuple[Array, Array, Array]:
        y_bar, q_bar, v_bar = np.zeros(y.shape), np.zeros(q.shape), np.zeros(v.shape)
        for n, c in indices(y.shape):
            y_bar[n, c] -= g[n] * q[n, c] * v[c]
            q_bar[n, c] -= g[n] * v[c] * y[n, c]
            v_bar[c] -= g[n] * q[n, c] * y[n, c]
        return y_bar, q_bar, v_bar

    return np.array([-sum(q[n, c] * v[c] * y[n, c] for c in range(y.shape[1])) for n in range(len(y))]), gradients


def reduced(e: Array, w: Array, g: Array, reduction: str) -> tuple[Array, Array, Array]:
    """All losses e, their sum, or ``Σ e / Σ w``; and what the cotangent g of that gives e and w."""
    if reduction == "none":
        return e, g, np.zeros(w.shape)
    if reduction == "sum":
        return np.array(e.sum()), np.full(e.shape, g), np.zeros(w.shape)
    total = w.sum()
    return np.array(e.sum() / total), np.full(e.shape, g / total), np.full(w.shape, -g * e.sum() / total**2)
