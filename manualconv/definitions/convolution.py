"""The three maps of one trilinear form, and the bias."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from manualconv.definitions.placement import Array, Index, indices, inside, output_size, position
from manualconv.geometry import Window


def terms(n_samples: int, n_channels: int, n_outputs: int, window: Window) -> Iterator[tuple[Index, Index, Index]]:
    """The terms of T(x, w, y): the three places whose numbers are multiplied.

    ``T = Σ x[n, (g c), s·p + d·k − a] · w[(g o), c, k] · y[n, (g o), p]``, x = 0 outside.
    """
    per_group, outputs_per_group = n_channels // window.groups, n_outputs // window.groups
    for p, k in product(indices(output_size(window)), indices(window.kernel_size)):
        i = position(p, k, window)
        if not inside(i, window.input_size):
            continue
        for n, g, o, c in indices((n_samples, window.groups, outputs_per_group, per_group)):
            gc, go = g * per_group + c, g * outputs_per_group + o
            yield (n, gc, *i), (go, c, *k), (n, go, *p)


def trilinear(x: Array, w: Array, y: Array, window: Window) -> float:
    """``T(x, w, y)``."""
    total: float = 0
    for at_x, at_w, at_y in terms(len(x), x.shape[1], len(w), window):
        total += x[at_x] * w[at_w] * y[at_y]
    return total


def to_output(x: Array, w: Array, window: Window) -> Array:
    """∂T/∂y, convolution: x ``(N, C, *I)``, w ``(O, C/g, *K)`` → ``(N, O, *P)``."""
    y = np.zeros((len(x), len(w), *output_size(window)), x.dtype)
    for at_x, at_w, at_y in terms(len(x), x.shape[1], len(w), window):
        y[at_y] += x[at_x] * w[at_w]
    return y


def to_input(w: Array, y: Array, window: Window) -> Array:
    """∂T/∂x, the input gradient: w ``(O, C/g, *K)``, y ``(N, O, *P)`` → ``(N, C, *I)``."""
    x = np.zeros((len(y), w.shape[1] * window.groups, *window.input_size), y.dtype)
    for at_x, at_w, at_y in terms(len(x), x.shape[1], len(w), window):
        x[at_x] += w[at_w] * y[at_y]
    return x


def to_weight(x: Array, y: Array, window: Window) -> Array:
    """∂T/∂w, the weight gradient: x ``(N, C, *I)``, y ``(N, O, *P)`` → ``(O, C/g, *K)``."""
    w = np.zeros((y.shape[1], x.shape[1] // window.groups, *window.kernel_size), x.dtype)
    for at_x, at_w, at_y in terms(len(x), x.shape[1], len(w), window):
        w[at_w] += x[at_x] * y[at_y]
    return w


def with_bias(z: Array, b: Array) -> Array:
    """``y[n, o, p] = z[n, o, p] + b[o]``."""
    y: Array = z.copy()
    for at in indices(z.shape):
        y[at] += b[at[1]]
    return y


def to_bias(y: Array) -> Array:
    """The bias gradient ``b[o] = Σ_{n,p} y[n, o, p]``: a sum, never a mean."""
    b = np.zeros(y.shape[1], y.dtype)
    for at in indices(y.shape):
        b[at[1]] += y[at]
    return b
