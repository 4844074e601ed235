"""Pointwise maps of straight pieces, and those that are straight on one side.

    ReLU          y = max(z, 0)                              φ′ = 1[y > 0], with 0 at 0
    Threshold     y = z where z > θ, else v                  φ′ = 1[z > θ]
    HardTanh      y = min(max(z, l), h)                      φ′ = 1[l < y < h]
    HardSigmoid   y = min(max(z + 3, 0), 6)/6                φ′ = 1[−3 < z < 3]/6
    HardSwish     y = z·min(max(z + 3, 0), 6)/6              φ′ = 0 | z/3 + 1/2 | 1   below −3, between, from 3 on
    HardShrink    y = z where |z| > λ, else 0                φ′ = 1[|z| > λ]
    SoftShrink    y = z − min(max(z, −λ), λ)                 φ′ = 1[|z| > λ]
    LeakyReLU     y = z where z > 0, else a·z                φ′ = 1 where z > 0, else a
    ELU           y = s·z where z > 0, else s·α·(e^(bz) − 1) φ′ = s where z > 0, else s·α·b·e^(bz)

At a kink the slope is torch's, which is that of one side: the lower one for ReLU, LeakyReLU and ELU, the outer one for
the rest, the inner one for the shrinks.  At a NaN the gates of ReLU and Threshold are open, those of HardTanh,
HardSigmoid and the shrinks are closed, and the slopes of HardSwish and ELU, which are functions of z, are NaN.  So they
are in the body of a tensor in torch, where its kernels are vectorised.  Between kinks φ′ is constant but for HardSwish
and ELU, whose pieces are finite on both sides, so that no order multiplies an infinity by zero.

Half-precision z is compared with limits and thresholds in float32, as in torch's kernels: rounded to bfloat16, a limit
of 0.7 would stop 0.69921875.  The λ of a shrink is rounded, as in torch's.

ELU stands for three: ELU itself (s = b = 1), CELU (s = 1, b = 1/α) and SELU (b = 1).  s is the `scale` and b the
`input_scale` of torch's kernel.

Each keeps what torch keeps, z, or y for ReLU, so that a tensor may be edited in place here where it may be in torch.
The slopes of HardTanh, and of LeakyReLU for a ≥ 0, follow from z or from y; these keep y where z is to be overwritten.

Shapes: any; the same in and out.  Sources: article (B3), collected notes (B14); Krizhevsky 2010 (ReLU6); Clevert et al.
2015 (ELU); Howard et al. 2019, "Searching for MobileNetV3" (hard-swish).
"""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.autograd.pointwise import OF_EITHER, OF_INPUT, Pointwise, Stepwise, in_float32
from manualconv.kernels.entrywise import pointwise as kernels
from manualconv.kernels.precision import single
from manualconv.torch_internals import is_unrecorded


class Gate(Stepwise):
    """``t ⊙ 1[not y ≤ 0]`` for y from a ReLU: a NaN in y lets t through, as torch's kernel does."""

    @staticmethod
    def forward(t: Tensor, y: Tensor) -> Tensor:
        return kernels.gate(t, y)


class Above(Stepwise):
    """``t ⊙ 1[not z ≤ θ]``."""

    @staticmethod
    def forward(t: Tensor, z: Tensor, least: float) -> Tensor:
        return torch.where(single(z) <= least, 0, t)


class Inside(Stepwise):
    """``t ⊙ 1[l < z < h]``: a NaN in z lets nothing through."""

    @staticmethod
    def forward(t: Tensor, z: Tensor, low: float, high: float) -> Tensor:
        return kernels.inside(t, z, low, high)


class Outside(Stepwise):
    """``t ⊙ 1[|z| > λ]``: a NaN in z lets nothing through."""

    @staticmethod
    def forward(t: Tensor, z: Tensor, least: float) -> Tensor:
        return torch.where(z.abs() > least, t, 0)


class Leak(Stepwise):
    """``t`` where z > 0, else ``a·t``."""

    @staticmethod
    def forward(t: Tensor, z: Tensor, slope: float) -> Tensor:
        return kernels.leak(t, z, slope)


class ReLU(Pointwise):
    """``y = max(z, 0)``."""

    @staticmethod
    def forward(z: Tensor) -> Tensor:
        return z.clamp(min=0)

    @staticmethod
    def times_slope(y: Tensor, t: Tensor) -> Tensor:
        kept: Tensor = Gate.call(t, y)
        return kept


class Threshold(Pointwise):
    """``y = z`` where z > θ, else v."""

    setup_context = OF_INPUT

    @staticmethod
    def forward(z: Tensor, threshold: float, value: float) -> Tensor:
        return torch.where(single(z) <= threshold, value, z)

    @staticmethod
    def times_slope(z: Tensor, t: Tensor, threshold: float, value: float) -> Tensor:
        kept: Tensor = Above.call(t, z, threshold)
        return kept


class HardTanh(Pointwise):
    """``y = min(max(z, l), h)``."""

    setup_context = OF_EITHER

    @staticmethod
    def forward(z: Tensor, low: float, high: float, overwritten: bool) -> Tensor:
        return z.clamp(low, high)

    @staticmethod
    def times_slope(kept: Tensor, t: Tensor, low: float, high: float, overwritten: bool) -> Tensor:
        passed: Tensor = Inside.call(t, kept, low, high)
        return passed


class HardSigmoid(Pointwise):
    """``y = min(max(z + 3, 0), 6)/6``."""

    setup_context = OF_INPUT

    @staticmethod
    @in_float32
    def forward(z: Tensor) -> Tensor:
        return kernels.hardsigmoid(z)

    @staticmethod
    @in_float32
    def times_slope(z: Tensor, t: Tensor) -> Tensor:
        kept: Tensor = Inside.call(t, z, -3.0, 3.0)
        return kept * (1 / 6)


class HardSwish(Pointwise):
    """``y = z·min(max(z + 3, 0), 6)/6``."""

    setup_context = OF_INPUT

    @staticmethod
    @in_float32
    def forward(z: Tensor) -> Tensor:
        return kernels.hardswish(z)

    @staticmethod
    @in_float32
    def times_slope(z: Tensor, t: Tensor) -> Tensor:
        if is_unrecorded(z, t):
            return kernels.hardswish_slope(z, t)
        passed: Tensor = Above.call(t, z, -3.0)  # 0·∞ would be NaN
        return passed * torch.where(z <= -3, 0, torch.where(z >= 3, 1, z / 3 + 0.5))


class HardShrink(Pointwise):
    """``y = z`` where |z| > λ, else 0."""

    setup_context = OF_INPUT

    @staticmethod
    def forward(z: Tensor, least: float) -> Tensor:
        return torch.where(z.abs() <= least, 0, z)

    @staticmethod
    def times_slope(z: Tensor, t: Tensor, least: float) -> Tensor:
        kept: Tensor = Outside.call(t, z, least)
        return kept


class SoftShrink(Pointwise):
    """``y = z − min(max(z, −λ), λ)``."""

    setup_context = OF_INPUT

    @staticmethod
    def forward(z: Tensor, least: float) -> Tensor:
        return z - z.clamp(-least, least)

    times_slope = staticmethod(HardShrink.times_slope)


class LeakyReLU(Pointwise):
    """``y = z`` where z > 0, else ``a·z``."""

    setup_context = OF_EITHER

    @staticmethod
    def forward(z: Tensor, slope: float, overwritten: bool) -> Tensor:
        return kernels.leak(z, z, slope)

    @staticmethod
    def times_slope(kept: Tensor, t: Tensor, slope: float, overwritten: bool) -> Tensor:
        leaked: Tensor = Leak.call(t, kept, slope)
        return leaked


class ELU(Pointwise):
    """``y = s·z`` where z > 0, else ``s·α·(e^(bz) − 1)``."""

    setup_context = OF_INPUT

    @staticmethod
    @in_float32
    def forward(z: Tensor, alpha: float, scale: float, input_scale: float) -> Tensor:
        return kernels.elu(z, alpha, scale, input_scale)

    @staticmethod
    @in_float32
    def times_slope(z: Tensor, t: Tensor, alpha: float, scale: float, input_scale: float) -> Tensor:
        # At 0 the slope is the lower one, and constant: torch's second derivative there is 0.
        at_zero = alpha * scale * input_scale
        if at_zero == scale and is_unrecorded(z, t):
            return kernels.elu_slope(z, t, scale, input_scale)
        slope = torch.where(z >= 0, at_zero, (z.clamp(max=0) * input_scale).exp() * at_zero)
        return t * (slope if at_zero == scale else torch.where(z > 0, scale, slope))
