"""Normalisation, forward and backward in the classical steps: batch, instance, layer and group, and of local response.

The m entries that share a mean form a group; batch normalisation has one for every channel.  Forward, in each group:

    μ = Σ x/m          σ² = Σ (x − μ)²/m          x̂ = (x − μ)/√(σ² + ε)          y = γ·x̂ + β

Backward the same steps from the last to the first; x enters x̂ itself, σ² and μ, so that dx has three terms:

    dβ = Σ dy          dγ = Σ dy·x̂          dx̂ = γ·dy
    dσ² = Σ dx̂·(x − μ) · (−½)·(σ² + ε)^(−3/2)
    dμ  = −Σ dx̂/√(σ² + ε)  −  dσ²·Σ 2(x − μ)/m
    dx  = dx̂/√(σ² + ε)  +  dσ²·2(x − μ)/m  +  dμ/m

In evaluation μ and σ² are numbers that were kept: only the first term of dx is left.

Shapes: x, x̂, y and their gradients ``(N, C, *I)``, γ and β ``(C,)``, in layer normalisation those of the last axes.

>>> import numpy as np
>>> from manualconv.definitions import by_channel, channel, norm, norm_gradients
>>> x, gamma, beta = np.array([[[1, 3]], [[5, 7]]]), np.array([3]), np.array([2])  # μ = 4, σ² = 5; with ε = 4, √ is 3
>>> norm(x, gamma, beta, by_channel, channel, eps=4.0)[:, 0]
array([[-1.,  1.],
       [ 3.,  5.]])
>>> dx, dgamma, dbeta = norm_gradients(x, gamma, np.array([[[1, 0]], [[0, 0]]]), by_channel, channel, eps=4.0)
>>> 6 * dx[:, 0].round(12)  # adds up to 0: to move all entries alike changes nothing
array([[ 3., -2.],
       [-1.,  0.]])
>>> dgamma, dbeta
(array([-1.]), array([1.]))
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from math import sqrt

import numpy as np

from manualconv.definitions.placement import Array, Index, indices

#: Which entries share a mean: those whose indices have the same key.
Key = Callable[[Index], Hashable]
#: Where an entry's γ and β are.
Place = Callable[[Index], Index]


def by_channel(index: Index) -> Hashable:
    """Batch normalisation: ``(n, c, *i)`` with one c."""
    return index[1]


def by_instance(index: Index) -> Hashable:
    """Instance normalisation: one n and c."""
    return index[:2]


def by_group(size: int) -> Key:
    """Group normalisation: one n, `size` neighbouring channels."""
    return lambda index: (index[0], index[1] // size)


def by_front(axes: int) -> Key:
    """Layer normalisation over the last `axes` axes: all indices before them."""
    return lambda index: index[: len(index) - axes]


def groups(x: Array, key: Key) -> list[list[Index]]:
    """The indices of x, those that share a mean together."""
    found: dict[Hashable, list[Index]] = {}
    for index in indices(x.shape):
        found.setdefault(key(index), []).append(index)
    return list(found.values())


def channel(index: Index) -> Index:
    """Where an entry's γ and β are: those of its channel."""
    return index[1:2]


def mean_and_variance(x: Array, group: list[Index]) -> tuple[float, float]:
    """μ and σ²."""
    mu = sum(x[i] for i in group) / len(group)
    return mu, sum((x[i] - mu) ** 2 for i in group) / len(group)


def standardize(x: Array, key: Key, eps: float) -> Array:
    """x̂."""
    x_hat = np.zeros(x.shape)
    for group in groups(x, key):
        mu, variance = mean_and_variance(x, group)
        for i in group:
            x_hat[i] = (x[i] - mu) / sqrt(variance + eps)
    return x_hat


def standardize_gradient(x: Array, dx_hat: Array, key: Key, eps: float) -> Array:
    """The gradient dx, by way of dσ² and dμ."""
    dx = np.zeros(x.shape)
    for group in groups(x, key):
        mu, variance = mean_and_variance(x, group)
        m, root = len(group), sqrt(variance + eps)
        dvariance = sum(dx_hat[i] * (x[i] - mu) for i in group) * -0.5 / root**3
        dmu = -sum(dx_hat[i] for i in group) / root - dvariance * sum(2 * (x[i] - mu) for i in group) / m
        for i in group:
            dx[i] = dx_hat[i] / root + dvariance * 2 * (x[i] - mu) / m + dmu / m
    return dx


def scale_and_shift(x_hat: Array, gamma: Array, beta: Array, place: Place) -> Array:
    """The output y."""
    y = np.zeros(x_hat.shape)
    for i in indices(x_hat.shape):
        y[i] = gamma[place(i)] * x_hat[i] + beta[place(i)]
    return y


def scale_and_shift_gradients(x_hat: Array, gamma: Array, dy: Array, place: Place) -> tuple[Array, Array, Array]:
    """dx̂, dγ and dβ."""
    dx_hat, dgamma, dbeta = np.zeros(x_hat.shape), np.zeros(gamma.shape), np.zeros(gamma.shape)
    for i in indices(x_hat.shape):
        dbeta[place(i)] += dy[i]
        dgamma[place(i)] += dy[i] * x_hat[i]
        dx_hat[i] = gamma[place(i)] * dy[i]
    return dx_hat, dgamma, dbeta


def norm(x: Array, gamma: Array, beta: Array, key: Key, place: Place, eps: float) -> Array:
    """The output y, by the input's own statistics."""
    return scale_and_shift(standardize(x, key, eps), gamma, beta, place)


def norm_gradients(x: Array, gamma: Array, dy: Array, key: Key, place: Place, eps: float) -> tuple[Array, Array, Array]:
    """dx, dγ and dβ."""
    dx_hat, dgamma, dbeta = scale_and_shift_gradients(standardize(x, key, eps), gamma, dy, place)
    return standardize_gradient(x, dx_hat, key, eps), dgamma, dbeta


def standardize_by(x: Array, mean: Array, variance: Array, eps: float) -> Array:
    """x̂ in evaluation, by a mean and a variance of every channel that were kept."""
    x_hat = np.zeros(x.shape)
    for i in indices(x.shape):
        x_hat[i] = (x[i] - mean[i[1]]) / sqrt(variance[i[1]] + eps)
    return x_hat


def standardize_by_gradient(dx_hat: Array, variance: Array, eps: float) -> Array:
    """The gradient dx in evaluation."""
    return standardize_by(dx_hat, np.zeros(variance.shape), variance, eps)


def _neighbours(at: Index, channels: int, size: int) -> list[Index]:
    """The same place in the channels of the window over c: `size` of them, those that exist."""
    first = at[1] - size // 2
    return [(at[0], d, *at[2:]) for d in range(first, first + size) if 0 <= d < channels]


def local_response_norm(x: Array, size: int, alpha: float, beta: float, k: float) -> Array:
    """``x/(k + α·Σ x²/size)^β``, the sum over neighbouring channels."""
    y = np.zeros(x.shape)
    for at in indices(x.shape):
        total = sum(x[near] ** 2 for near in _neighbours(at, x.shape[1], size))
        y[at] = x[at] / (k + alpha * total / size) ** beta
    return y


def local_response_norm_gradient(x: Array, dy: Array, size: int, alpha: float, beta: float, k: float) -> Array:
    """``∂y_c/∂x_d = δ_cd/D^β − 2·αβ/size·x_c·x_d/D^(β+1)`` for d among the neighbours of c."""
    dx = np.zeros(x.shape)
    for c in indices(x.shape):
        near = _neighbours(c, x.shape[1], size)
        base = k + alpha * sum(x[d] ** 2 for d in near) / size
        for d in near:
            slope = (c == d) / base**beta
            slope -= 2 * alpha * beta / size * x[c] * x[d] / base ** (beta + 1)
            dx[d] += dy[c] * slope
    return dx
