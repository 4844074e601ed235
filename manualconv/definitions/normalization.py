"""Normalisation by its definition: the entries that share a mean are listed, and every sum over them written out."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from math import sqrt

import numpy as np

from manualconv.definitions.placement import Array, Index, indices

#: Which entries share a mean: those whose indices have the same key.
Key = Callable[[Index], Hashable]


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


def mean_and_variance(x: Array, group: list[Index]) -> tuple[float, float]:
    """``μ = Σ x/m`` and ``v = Σ (x − μ)²/m``."""
    mean = sum(x[i] for i in group) / len(group)
    return mean, sum((x[i] - mean) ** 2 for i in group) / len(group)


def standardize(x: Array, key: Key, eps: float) -> Array:
    """``(x − μ)/√(v + ε)``."""
    x_hat = np.zeros(x.shape)
    for group in groups(x, key):
        mean, variance = mean_and_variance(x, group)
        for i in group:
            x_hat[i] = (x[i] - mean) / sqrt(variance + eps)
    return x_hat


def standardize_gradient(x: Array, g: Array, key: Key, eps: float) -> Array:
    """``Σ_j g_j·∂x̂_j/∂x_i``, the Jacobian entry by entry: ``(δ_ij − 1/m)/σ − (x_i − μ)(x_j − μ)/(m·σ³)``."""
    x_bar = np.zeros(x.shape)
    for group in groups(x, key):
        mean, variance = mean_and_variance(x, group)
        m, sigma = len(group), sqrt(variance + eps)
        for i in group:
            for j in group:
                slope = ((i == j) - 1 / m) / sigma - (x[i] - mean) * (x[j] - mean) / (m * sigma**3)
                x_bar[i] += g[j] * slope
    return x_bar


def scale_and_shift(x_hat: Array, weight: Array, bias: Array, place: Callable[[Index], Index]) -> Array:
    """``γ·x̂ + β``; `place` says which γ and β an entry has."""
    y = np.zeros(x_hat.shape)
    for i in indices(x_hat.shape):
        y[i] = weight[place(i)] * x_hat[i] + bias[place(i)]
    return y


def scale_and_shift_gradients(
    x_hat: Array, weight: Array, g: Array, place: Callable[[Index], Index]
) -> tuple[Array, Array, Array]:
    """Those of x̂, γ and β."""
    x_hat_bar, weight_bar, bias_bar = np.zeros(x_hat.shape), np.zeros(weight.shape), np.zeros(weight.shape)
    for i in indices(x_hat.shape):
        x_hat_bar[i] = weight[place(i)] * g[i]
        weight_bar[place(i)] += x_hat[i] * g[i]
        bias_bar[place(i)] += g[i]
    return x_hat_bar, weight_bar, bias_bar


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


def local_response_norm_gradient(x: Array, g: Array, size: int, alpha: float, beta: float, k: float) -> Array:
    """``∂y_c/∂x_d = δ_cd/D^β − 2·αβ/size·x_c·x_d/D^(β+1)`` for d among the neighbours of c."""
    x_bar = np.zeros(x.shape)
    for c in indices(x.shape):
        near = _neighbours(c, x.shape[1], size)
        base = k + alpha * sum(x[d] ** 2 for d in near) / size
        for d in near:
            slope = (c == d) / base**beta
            slope -= 2 * alpha * beta / size * x[c] * x[d] / base ** (beta + 1)
            x_bar[d] += g[c] * slope
    return x_bar
