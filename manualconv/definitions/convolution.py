"""Convolution, forward and backward (the article's Figs 8, 10 and 11).

    Z[n, (g o), p] = b[(g o)] + Σ_c,k W[(g o), c, k] · A[n, (g c), i]          i = s·p + d·k − a, A = 0 outside

Backward every term is read twice more.  An entry that stands in many terms gathers a sum, so each line adds:

    dA[n, (g c), i] += W[(g o), c, k] · dZ[n, (g o), p]
    dW[(g o), c, k] += A[n, (g c), i] · dZ[n, (g o), p]
    db[(g o)]       += dZ[n, (g o), p]                                          a sum, never a mean

Shapes: A, dA ``(N, C, *I)``, W, dW ``(O, C/g, *K)``, b, db ``(O,)``, Z, dZ ``(N, O, *P)``.

>>> import numpy as np
>>> from manualconv.definitions import conv, conv_gradients
>>> from manualconv.geometry import Window
>>> window = Window((3, 3), (2, 2), stride=(1, 1), dilation=(1, 1), padding=((0, 0), (0, 0)))
>>> A, W, b = np.arange(1, 10).reshape(1, 1, 3, 3), np.array([[[[1, 2], [0, -1]]]]), np.array([10])
>>> conv(A, W, b, window)[0, 0]  # 10 + 1·1 + 2·2 − 1·5 = 10
array([[10, 12],
       [16, 18]])
>>> dA, dW, db = conv_gradients(A, W, np.array([[[[1, 0], [0, 3]]]]), window)
>>> dA[0, 0]
array([[ 1,  2,  0],
       [ 0,  2,  6],
       [ 0,  0, -3]])
>>> dW[0, 0], db
(array([[16, 20],
       [28, 32]]), array([4]))
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from manualconv.definitions.placement import Array, Index, indices, inside, output_size, position
from manualconv.geometry import Window


def terms(n_samples: int, n_channels: int, n_outputs: int, window: Window) -> Iterator[tuple[Index, Index, Index]]:
    """The terms of ``T(A, W, Z) = Σ A·W·Z``: the places in A, W and Z whose numbers are multiplied."""
    per_group, outputs_per_group = n_channels // window.groups, n_outputs // window.groups
    for p, k in product(indices(output_size(window)), indices(window.kernel_size)):
        i = position(p, k, window)
        if not inside(i, window.input_size):
            continue
        for n, g, o, c in indices((n_samples, window.groups, outputs_per_group, per_group)):
            gc, go = g * per_group + c, g * outputs_per_group + o
            yield (n, gc, *i), (go, c, *k), (n, go, *p)


def trilinear(A: Array, W: Array, Z: Array, window: Window) -> float:
    """``T(A, W, Z)``, whose derivative by each of the three is the map of the other two."""
    total: float = 0
    for at_A, at_W, at_Z in terms(len(A), A.shape[1], len(W), window):
        total += A[at_A] * W[at_W] * Z[at_Z]
    return total


def to_output(A: Array, W: Array, window: Window) -> Array:
    """∂T/∂Z: the convolution without its bias."""
    Z = np.zeros((len(A), len(W), *output_size(window)), A.dtype)
    for at_A, at_W, at_Z in terms(len(A), A.shape[1], len(W), window):
        Z[at_Z] += W[at_W] * A[at_A]
    return Z


def to_input(W: Array, dZ: Array, window: Window) -> Array:
    """∂T/∂A at dZ: the gradient dA."""
    dA = np.zeros((len(dZ), W.shape[1] * window.groups, *window.input_size), dZ.dtype)
    for at_A, at_W, at_Z in terms(len(dA), dA.shape[1], len(W), window):
        dA[at_A] += W[at_W] * dZ[at_Z]
    return dA


def to_weight(A: Array, dZ: Array, window: Window) -> Array:
    """∂T/∂W at dZ: the gradient dW."""
    dW = np.zeros((dZ.shape[1], A.shape[1] // window.groups, *window.kernel_size), A.dtype)
    for at_A, at_W, at_Z in terms(len(A), A.shape[1], len(dW), window):
        dW[at_W] += A[at_A] * dZ[at_Z]
    return dW


def with_bias(Z: Array, b: Array) -> Array:
    """``Z[n, o, p] + b[o]``."""
    biased: Array = Z.copy()
    for at in indices(Z.shape):
        biased[at] += b[at[1]]
    return biased


def to_bias(dZ: Array) -> Array:
    """The gradient ``db[o] = Σ_n,p dZ[n, o, p]``."""
    db = np.zeros(dZ.shape[1], dZ.dtype)
    for at in indices(dZ.shape):
        db[at[1]] += dZ[at]
    return db


def conv(A: Array, W: Array, b: Array | None, window: Window) -> Array:
    """Z, the layer."""
    Z = to_output(A, W, window)
    return Z if b is None else with_bias(Z, b)


def conv_gradients(A: Array, W: Array, dZ: Array, window: Window) -> tuple[Array, Array, Array]:
    """dA, dW and db."""
    return to_input(W, dZ, window), to_weight(A, dZ, window), to_bias(dZ)
