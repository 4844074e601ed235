"""Powers z^e with one exponent e for all entries, and the roots of sums of powers.

    Power         y = z^e                        φ′ = e·z^(e−1)      Power again; 0 where e = 0
    NonzeroPower  y = z^e where z ≠ 0, else 0    φ′ = e·z^(e−1) where z ≠ 0, else 0      NonzeroPower again
    Root          y = z^e                        φ′ as NonzeroPower

A root has an infinite slope at 0.  Under a norm (Σ x^p)^(1/p) that infinity meets the 0 of x^(p−1), and the convention
of torch's lp_pool is that nothing comes back from a sum of 0: the slope of `Root` there is 0, and so are all further
ones.  Each map's slope is one of these maps, so every order closes.

Shapes: any; the same in and out.  Source: "Power-average pooling" in PyTorch's documentation of lp_pool1d.
"""

from __future__ import annotations

import torch
from torch import Tensor

from manualconv.autograd.pointwise import OF_INPUT, Pointwise


class Power(Pointwise):
    """``y = z^e``."""

    setup_context = OF_INPUT

    @staticmethod
    def forward(z: Tensor, exponent: float) -> Tensor:
        return torch.pow(z, exponent)

    @staticmethod
    def times_slope(z: Tensor, t: Tensor, exponent: float) -> Tensor:
        return _times_slope(Power, z, t, exponent)


class NonzeroPower(Pointwise):
    """``y = z^e`` where z is not 0, and 0 there."""

    setup_context = OF_INPUT

    @staticmethod
    def forward(z: Tensor, exponent: float) -> Tensor:
        return torch.where(z == 0, 0, torch.pow(z, exponent))

    @staticmethod
    def times_slope(z: Tensor, t: Tensor, exponent: float) -> Tensor:
        return _times_slope(NonzeroPower, z, t, exponent)


class Root(Pointwise):
    """``y = z^e``, with the slope 0 where z is 0."""

    setup_context = OF_INPUT

    @staticmethod
    def forward(z: Tensor, exponent: float) -> Tensor:
        return torch.pow(z, exponent)

    @staticmethod
    def times_slope(z: Tensor, t: Tensor, exponent: float) -> Tensor:
        return _times_slope(NonzeroPower, z, t, exponent)


def _times_slope(of: type[Pointwise], z: Tensor, t: Tensor, exponent: float) -> Tensor:
    """``e·z^(e−1) ⊙ t``."""
    if exponent == 0:
        return torch.zeros_like(t)
    slope: Tensor = exponent * of.call(z, exponent - 1)
    return t * slope
