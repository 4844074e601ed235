"""NumPy: a view of all windows, and one sum over them."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from manualconv.testing import Pair


def windows(x, w, stride, padding, dilation, groups):
    if groups != 1 or x.ndim != 4 or isinstance(padding, str) or np.any(padding):
        raise NotImplementedError("a batch, one group, no padding")
    (s, t), (d, e), (k, m) = np.broadcast_to(stride, 2), np.broadcast_to(dilation, 2), w.shape[2:]
    return sliding_window_view(x, (d * (k - 1) + 1, e * (m - 1) + 1), (2, 3))[:, :, ::s, ::t, ::d, ::e]


def forward(x, w, b=0.0, **numbers):
    return (np.einsum("nchwij,ocij->nohw", windows(x, w, **numbers), w) + np.reshape(b, (-1, 1, 1))).astype(x.dtype)


def backward(g, x, w, *b, **numbers):
    places, terms = windows(np.arange(x.size).reshape(x.shape), w, **numbers), np.einsum("nohw,ocij->nchwij", g, w)
    dx = np.bincount(places.ravel(), terms.ravel(), x.size).reshape(x.shape).astype(x.dtype)
    return dx, np.einsum("nchwij,nohw->ocij", windows(x, w, **numbers), g), *(g.sum((0, 2, 3)) for _ in b)


conv2d = Pair(forward, backward)
