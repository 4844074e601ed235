"""Means of windows as loops that Numba compiles, forth and back."""

import numba
import numpy as np


@numba.njit
def walk(x, y, k, s, forth):
    """x ``(N, C, L)``, y ``(N, C, P)``: each y gets the mean of its window of k, or every x there its share of y."""
    for n, c, p in np.ndindex(y.shape):
        for i in range(p * s, p * s + k):
            if forth:
                y[n, c, p] += x[n, c, i] / k
            else:
                x[n, c, i] += y[n, c, p] / k
