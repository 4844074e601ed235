"""Kernels of pointwise maps that one torch operation does not give at the speed of memory."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from manualconv.torch_internals import is_plain

#: Below this many entries one select is cheaper than a product and two sums.
SMALL = 2**14


def gate(t: Tensor, y: Tensor) -> Tensor:
    """t where not ``y ≤ 0``, else 0, for y from a ReLU: no entry below 0.

    ``sign(y)`` is the gate as a number, and multiplying is several times faster than selecting.  It is right unless a
    zero gate meets an infinity or a NaN, or y holds a NaN; the sums tell.
    """
    if is_plain(t) and t.shape == y.shape and t.numel() > SMALL and t.device.type == "cpu" and t.is_floating_point():
        kept = y.sign().mul_(t)
        if not (math.isnan(kept.sum().item()) or math.isnan(y.sum().item())):
            return kept
    return torch.where(y <= 0, 0, t)


def silu(z: Tensor) -> Tensor:
    """``z·σ(z)``."""
    s = torch.sigmoid(z)
    return s.mul_(z) if is_plain(z) else s * z


def gelu(z: Tensor) -> Tensor:
    """``z·(1 + erf(z/√2))/2``."""
    if is_plain(z):
        return torch.mul(z, math.sqrt(0.5)).erf_().add_(1).mul_(z * 0.5)
    return z * 0.5 * (1 + torch.erf(z * math.sqrt(0.5)))


def hardsigmoid(z: Tensor) -> Tensor:
    """``min(max(z + 3, 0), 6)/6``."""
    return (z + 3).clamp_(0, 6).div_(6) if is_plain(z) else (z + 3).clamp(0, 6) / 6


def hardswish(z: Tensor) -> Tensor:
    """``z·min(max(z + 3, 0), 6)/6``."""
    return (z + 3).clamp_(0, 6).mul_(z).div_(6) if is_plain(z) else (z + 3).clamp(0, 6) * z / 6
