"""Transposed convolution, forward and backward: the terms of a convolution, read towards its input.

    Z[n, (g c), i] = b[(g c)] + Σ_o,k,p W[(g o), c, k] · A[n, (g o), p]        over k, p with s·p + d·k − a = i

    dA[n, (g o), p] += W[(g o), c, k] · dZ[n, (g c), i]                        a convolution of dZ
    dW[(g o), c, k] += A[n, (g o), p] · dZ[n, (g c), i]
    db[(g c)]       += dZ[n, (g c), i]

The window is that of the convolution which maps Z's shape to A's.

Shapes: A, dA ``(N, O, *P)``, W, dW ``(O, C/g, *K)``, b, db ``(C,)``, Z, dZ ``(N, C, *I)``.

>>> import numpy as np
>>> from manualconv.definitions import conv_transpose, conv_transpose_gradients
>>> from manualconv.geometry import Window
>>> window = Window((5,), (3,), stride=(2,), dilation=(1,), padding=((0, 0),))
>>> A, W = np.array([[[1, 10]]]), np.array([[[1, 2, 3]]])
>>> conv_transpose(A, W, None, window)[0, 0]  # 1·(1, 2, 3) and, two places on, 10·(1, 2, 3)
array([ 1,  2, 13, 20, 30])
>>> dA, dW, db = conv_transpose_gradients(A, W, np.array([[[1, 0, 0, 0, 1]]]), window)
>>> dA[0, 0], dW[0, 0], db
(array([1, 3]), array([ 1,  0, 10]), array([2]))
"""

from __future__ import annotations

from manualconv.definitions.convolution import to_bias, to_input, to_output, to_weight, with_bias
from manualconv.definitions.placement import Array
from manualconv.geometry import Window


def conv_transpose(A: Array, W: Array, b: Array | None, window: Window) -> Array:
    """Z, the layer."""
    Z = to_input(W, A, window)
    return Z if b is None else with_bias(Z, b)


def conv_transpose_gradients(A: Array, W: Array, dZ: Array, window: Window) -> tuple[Array, Array, Array]:
    """dA, dW and db."""
    return to_output(dZ, W, window), to_weight(dZ, A, window), to_bias(dZ)
