"""Power-average pooling, forward and backward, in three steps of which the middle one is average pooling.

    Q = A^p          S = ΠK · avg_pool(Q)                      Z = S^(1/p)
    dA = p·A^(p−1) ⊙ dQ          dQ = avg_pool_gradient(ΠK·dS)          dS = 1/p · S^(1/p − 1) ⊙ dZ, 0 where S = 0

The mean times ΠK is the sum; only a window that overhangs the border under ceil_mode is scaled up to ΠK taps.

Shapes: A, dA, Q, dQ ``(N, C, *I)``, Z, dZ, S, dS ``(N, C, *P)``.

>>> import numpy as np
>>> from manualconv.definitions import lp_pool, lp_pool_gradient
>>> from manualconv.geometry import Window
>>> window = Window((4,), (2,), stride=(2,), dilation=(1,), padding=((0, 0),))
>>> A = np.array([[[3.0, 4, 0, 0]]])
>>> lp_pool(A, 2, window)
array([[[5., 0.]]])
>>> lp_pool_gradient(A, np.array([[[10.0, 1]]]), 2, window)  # A/Z of dZ
array([[[6., 8., 0., 0.]]])
"""

from __future__ import annotations

import numpy as np

from manualconv.definitions.average_pooling import avg_pool, avg_pool_gradient, divisors
from manualconv.definitions.placement import Array, taps
from manualconv.geometry import Window


def lp_pool(A: Array, p: float, window: Window, ceil_mode: bool = False) -> Array:
    """Z, of a finite power p."""
    Z: Array = (taps(window) * avg_pool(A**p, window, divisors(window, ceil_mode))) ** (1 / p)
    return Z


def lp_pool_gradient(A: Array, dZ: Array, p: float, window: Window, ceil_mode: bool = False) -> Array:
    """The gradient dA."""
    D = divisors(window, ceil_mode)
    S = taps(window) * avg_pool(A**p, window, D)
    dS = np.zeros(S.shape)
    dS[S != 0] = 1 / p * S[S != 0] ** (1 / p - 1) * dZ[S != 0]
    dQ = avg_pool_gradient(taps(window) * dS, window, D)
    dA: Array = p * A ** (p - 1) * dQ
    return dA
