"""Activations, forward and backward, entry by entry.

    A[i] = g(Z[i])                  dZ[i] = dA[i] · g′(Z[i])

Every rule gives both at one number: the value g(z) and the slope g′(z).  At a kink it is the slope on the left, and 0
at both limits of a clipped one.

Shapes: all alike.

>>> import numpy as np
>>> from manualconv.definitions import activate, activation_gradient
>>> Z, dA = np.array([-2.0, 0, 3]), np.array([5.0, 6, 7])
>>> A, slopes = activate("relu", Z)
>>> A, slopes
(array([0., 0., 3.]), array([0., 0., 1.]))
>>> activation_gradient("relu", Z, dA)
array([0., 0., 7.])
"""

from __future__ import annotations

from collections.abc import Callable
from math import erf, exp, expm1, inf, log1p, pi, sqrt, tanh

import numpy as np

from manualconv.definitions.placement import Array, indices

#: Value and slope.
Point = tuple[float, float]
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def hardtanh(z: float, low: float = -1.0, high: float = 1.0) -> Point:
    """z between the limits, else the nearer of them."""
    return (z, 1.0) if low < z < high else (low if z <= low else high, 0.0)


def hardshrink(z: float, least: float = 0.5) -> Point:
    """z beyond ±λ, else 0."""
    return (z, 1.0) if abs(z) > least else (0.0, 0.0)


def softshrink(z: float, least: float = 0.5) -> Point:
    """z nearer to 0 by λ, and 0 between ±λ."""
    return (z - least if z > 0 else z + least, 1.0) if abs(z) > least else (0.0, 0.0)


def elu(z: float, alpha: float = 1.0) -> Point:
    """z above 0, ``α·(e^z − 1)`` below."""
    return (z, 1.0) if z > 0 else (alpha * expm1(z), alpha * exp(z))


def celu(z: float, alpha: float = 1.0) -> Point:
    """z above 0, ``α·(e^(z/α) − 1)`` below."""
    return (z, 1.0) if z > 0 else (alpha * expm1(z / alpha), exp(z / alpha))


def selu(z: float) -> Point:
    """``λ·elu(z, α)``."""
    value, slope = elu(z, SELU_ALPHA)
    return SELU_SCALE * value, SELU_SCALE * slope


def hardsigmoid(z: float) -> Point:
    """``min(max(z + 3, 0), 6)/6``."""
    value, slope = hardtanh(z + 3, 0.0, 6.0)
    return value / 6, slope / 6


def hardswish(z: float) -> Point:
    """``z·min(max(z + 3, 0), 6)/6``."""
    gate, slope = hardtanh(z + 3, 0.0, 6.0)
    return z * gate / 6, (gate + z * slope) / 6


def sigmoid(z: float) -> Point:
    """``1/(1 + e^(−z))``, that is ``e^z/(1 + e^z)``: whichever power is no larger than 1."""
    e = exp(-abs(z))
    return (1 if z > 0 else e) / (1 + e), e / (1 + e) ** 2


def scaled_tanh(z: float) -> Point:
    """``1.7159·tanh(2z/3)``."""
    t = tanh(2 * z / 3)
    return 1.7159 * t, 1.7159 * 2 / 3 * (1 - t * t)


def softplus(z: float, beta: float = 1.0, threshold: float = 20.0) -> Point:
    """``log(1 + e^u)/β``, also ``(u + log(1 + e^(−u)))/β``, with ``u = βz``; z where u is beyond the threshold."""
    u = beta * z
    return (z, 1.0) if u > threshold else ((max(u, 0.0) + log1p(exp(-abs(u)))) / beta, sigmoid(u)[0])


def logsigmoid(z: float) -> Point:
    """``log σ(z) = −log(1 + e^(−z))``."""
    return -softplus(-z, threshold=inf)[0], sigmoid(-z)[0]


def silu(z: float) -> Point:
    """``z·σ(z)``."""
    s, slope = sigmoid(z)
    return z * s, s + z * slope


def mish(z: float) -> Point:
    """``z·tanh(log(1 + e^z))``."""
    t = tanh(softplus(z, threshold=inf)[0])
    return z * t, t + z * (1 - t * t) * sigmoid(z)[0]


def gelu(z: float, approximate: str = "none") -> Point:
    """``z·Φ(z)``, or with ``(1 + tanh u)/2`` for Φ."""
    if approximate == "none":
        below = (1 + erf(z / sqrt(2))) / 2
        return z * below, below + z * exp(-z * z / 2) / sqrt(2 * pi)
    t = tanh(sqrt(2 / pi) * (z + 0.044715 * z**3))
    u_slope = sqrt(2 / pi) * (1 + 3 * 0.044715 * z * z)
    return z * (1 + t) / 2, (1 + t + z * (1 - t * t) * u_slope) / 2


ACTIVATIONS: dict[str, Callable[..., Point]] = {
    "relu": lambda z: (max(z, 0.0), float(z > 0)),
    "relu6": lambda z: hardtanh(z, 0.0, 6.0),
    "hardtanh": hardtanh,
    "threshold": lambda z, least, value: (z, 1.0) if z > least else (value, 0.0),
    "hardsigmoid": hardsigmoid,
    "hardswish": hardswish,
    "hardshrink": hardshrink,
    "softshrink": softshrink,
    "leaky_relu": lambda z, slope: (z, 1.0) if z > 0 else (slope * z, slope),
    "elu": elu,
    "celu": celu,
    "selu": selu,
    "sigmoid": sigmoid,
    "tanh": lambda z: (tanh(z), 1 - tanh(z) ** 2),
    "scaled_tanh": scaled_tanh,
    "logsigmoid": logsigmoid,
    "softplus": softplus,
    "silu": silu,
    "mish": mish,
    "gelu": gelu,
}


def activate(name: str, Z: Array, *arguments: object) -> tuple[Array, Array]:
    """A, and the slopes g′(Z)."""
    A, slopes = np.zeros(Z.shape), np.zeros(Z.shape)
    for i in indices(Z.shape):
        A[i], slopes[i] = ACTIVATIONS[name](float(Z[i]), *arguments)
    return A, slopes


def activation_gradient(name: str, Z: Array, dA: Array, *arguments: object) -> Array:
    """The gradient dZ."""
    dZ: Array = dA * activate(name, Z, *arguments)[1]
    return dZ
