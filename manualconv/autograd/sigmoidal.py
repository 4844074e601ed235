"""Pointwise maps with an exponential in them: sigmoids, and what is made of sigmoids.

    Sigmoid      y = σ(z) = 1/(1 + e^(−z))               φ′ = y·(1 − y)
    Tanh         y = tanh z                              φ′ = (1 − y)·(1 + y)
    ScaledTanh   y = A·tanh(B·z)                         φ′ = (A − y)·(A + y)·B/A     A = 1.7159, B = 2/3
    LogSigmoid   y = log σ(z)                            φ′ = σ(−z)
    Softplus     y = log(1 + e^(βz))/β                   φ′ = σ(βz); beyond the threshold of βz, y = z and φ′ = 1
    SiLU         y = z·σ                                 φ′ = σ·(1 + z·(1 − σ))
    Mish         y = z·τ, τ = tanh(softplus z)           φ′ = τ + z·σ·(1 − τ)·(1 + τ)
    GELU         y = z·Φ(z), Φ the normal distribution   φ′ = Φ + z·Φ′           Φ′ = e^(−z²/2)/√(2π)
    TanhGELU     y = z·(1 + τ)/2, τ = tanh u             φ′ = (1 + τ)/2 + z·(1 − τ)·(1 + τ)·u′/2
                 u = √(2/π)·(z + 0.044715·z³)            u′ = √(2/π)·(1 + 3·0.044715·z²)

σ and τ inside a slope are Sigmoid and Tanh again, so every order closes.  None of these forms has an infinity times
zero for a finite z: far out, each factor beside a power of z is exactly 0 or 1.  1 − y is exact from y = 1/2 on, where
1 − y² would cancel: at z = 4.4 that costs a thousand roundings.

Shapes: any; the same in and out.  Sources: notes on convolution and collected notes (B14); LeCun et al. 1998,
"Gradient-based learning applied to document recognition", appendix A (scaled tanh); Hendrycks and Gimpel 2016 (GELU,
SiLU); Misra 2019 (Mish).
"""

from __future__ import annotations

from math import pi, sqrt

import torch
from torch import Tensor

from manualconv.autograd.pointwise import OF_INPUT, Pointwise, in_float32
from manualconv.kernels.entrywise import pointwise as kernels
from manualconv.kernels.entrywise.pointwise import own

#: LeCun's tanh: ±1 at ±1, and the largest curvature there.
A, B = 1.7159, 2 / 3


class Sigmoid(Pointwise):
    """``y = 1/(1 + e^(−z))``."""

    @staticmethod
    def forward(z: Tensor) -> Tensor:
        return torch.sigmoid(z)

    @staticmethod
    @in_float32
    def times_slope(y: Tensor, t: Tensor) -> Tensor:
        return own(1 - y, y, t) * y * t


class Tanh(Pointwise):
    """``y = tanh z``."""

    @staticmethod
    def forward(z: Tensor) -> Tensor:
        return torch.tanh(z)

    @staticmethod
    @in_float32
    def times_slope(y: Tensor, t: Tensor) -> Tensor:
        return own(1 - y, y, t) * (1 + y) * t


class ScaledTanh(Pointwise):
    """``y = 1.7159·tanh(2z/3)``."""

    @staticmethod
    @in_float32
    def forward(z: Tensor) -> Tensor:
        return A * torch.tanh(B * z)

    @staticmethod
    @in_float32
    def times_slope(y: Tensor, t: Tensor) -> Tensor:
        return t * ((A - y) * (A + y) * (B / A))


class LogSigmoid(Pointwise):
    """``y = log σ(z)``."""

    setup_context = OF_INPUT

    @staticmethod
    @in_float32
    def forward(z: Tensor) -> Tensor:
        return 0 - torch.logaddexp(torch.zeros_like(z), -z)

    @staticmethod
    @in_float32
    def times_slope(z: Tensor, t: Tensor) -> Tensor:
        s: Tensor = Sigmoid.call(-z)
        return t * s


class Softplus(Pointwise):
    """``y = log(1 + e^(βz))/β``."""

    setup_context = OF_INPUT

    @staticmethod
    @in_float32
    def forward(z: Tensor, beta: float, threshold: float) -> Tensor:
        b = z * beta
        return torch.where(b > threshold, z, torch.logaddexp(b, torch.zeros_like(b)) / beta)

    @staticmethod
    @in_float32
    def times_slope(z: Tensor, t: Tensor, beta: float, threshold: float) -> Tensor:
        b = z * beta
        s: Tensor = Sigmoid.call(b)
        return torch.where(b > threshold, t, t * s)


class SiLU(Pointwise):
    """``y = z·σ(z)``."""

    setup_context = OF_INPUT

    @staticmethod
    @in_float32
    def forward(z: Tensor) -> Tensor:
        return kernels.silu(z)

    @staticmethod
    @in_float32
    def times_slope(z: Tensor, t: Tensor) -> Tensor:
        s: Tensor = Sigmoid.call(z)
        return (own(1 - s, z, t) * z + 1) * s * t


class Mish(Pointwise):
    """``y = z·tanh(softplus z)``."""

    setup_context = OF_INPUT

    @staticmethod
    @in_float32
    def forward(z: Tensor) -> Tensor:
        return z * torch.tanh(torch.logaddexp(torch.zeros_like(z), z))

    @staticmethod
    @in_float32
    def times_slope(z: Tensor, t: Tensor) -> Tensor:
        s: Tensor = Sigmoid.call(z)
        tau: Tensor = Tanh.call(Softplus.call(z, 1.0, 20.0))
        return t * (tau + z * (s * ((1 - tau) * (1 + tau))))


class GELU(Pointwise):
    """``y = z·Φ(z)``."""

    setup_context = OF_INPUT

    @staticmethod
    @in_float32
    def forward(z: Tensor) -> Tensor:
        return kernels.gelu(z)

    @staticmethod
    @in_float32
    def times_slope(z: Tensor, t: Tensor) -> Tensor:
        below = (own(z * sqrt(0.5), z, t).erf() + 1) * 0.5
        density = (own(_near(z), z, t).square() * -0.5).exp() * (1 / sqrt(2 * pi))
        return (below + density * z) * t


class TanhGELU(Pointwise):
    """``y = z·(1 + tanh u)/2``."""

    setup_context = OF_INPUT

    @staticmethod
    @in_float32
    def forward(z: Tensor) -> Tensor:
        return 0.5 * z * (1 + torch.tanh(_inner(z)))

    @staticmethod
    @in_float32
    def times_slope(z: Tensor, t: Tensor) -> Tensor:
        tau: Tensor = Tanh.call(_inner(z))
        near = _near(z)
        inner_slope = sqrt(2 / pi) * (1 + 3 * 0.044715 * (near * near))
        return t * (0.5 * (1 + tau) + 0.5 * z * ((1 - tau) * (1 + tau) * inner_slope))


def _near(z: Tensor) -> Tensor:
    """z, or ±1000.  Farther out, where τ is ±1 and Φ′ is 0 all the same, its square would be infinite and meet a 0."""
    return z.clamp(-1000.0, 1000.0)


def _inner(z: Tensor) -> Tensor:
    near = _near(z)
    return sqrt(2 / pi) * (near + 0.044715 * (near * near * near))
