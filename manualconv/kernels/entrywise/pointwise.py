"""Kernels of pointwise maps for which torch has no single operation as fast as memory.

Selecting is several times slower than multiplying, and a fresh tensor costs as much as the arithmetic that fills it.
So on plain tensors masks are the numbers 0 and 1, and a result takes the memory of the first temporary.  Multiplying by
a mask is right unless a 0 meets an infinity or a NaN, and the sum of the products tells whether one did.

A slope is written once, under its equation in `autograd`, where `own` lets it run in place.  Two stand here too, those
of ELU and hardswish, whose selects are masks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor

from manualconv.kernels.compiling import is_compilable, numbers, share
from manualconv.kernels.precision import WIDENED, single
from manualconv.torch_internals import is_plain, is_unrecorded

#: Below this many entries one select is cheaper than products and a sum.
SMALL = 2**11
#: Entries from which a compiled loop saves more than it costs to look for it, and nanoseconds that it takes for one.
LARGE, ENTRY = 2**16, 0.3


def _by_products(t: Tensor, z: Tensor) -> bool:
    """Whether masks may be numbers."""
    plain = is_plain(t) and t.shape == z.shape and t.dtype == z.dtype and t.is_floating_point()
    return plain and t.numel() > SMALL and t.device.type == "cpu"


def _by_loops(t: Tensor, z: Tensor) -> bool:
    """Whether a compiled loop takes the entries in the order in which both lie in memory."""
    if not (_by_products(t, z) and t.numel() >= max(LARGE, 1)):
        return False
    return t.is_contiguous() and z.is_contiguous() and is_compilable(t)


def _unless_nan(products: Tensor, selected: Callable[[], Tensor]) -> Tensor:
    return selected() if math.isnan(products.sum().item()) else products


def gate(t: Tensor, y: Tensor) -> Tensor:
    """t where not ``y ≤ 0``, else 0, for y from a ReLU: no entry below 0, so that ``sign(y)`` is the gate."""
    if _by_loops(t, y):
        from manualconv.kernels.entrywise.compiled_pointwise import gate_some

        x = torch.empty_like(t)
        flat = [numbers(each) for each in (t, y, x)]
        share(lambda first, last: gate_some(flat[0], flat[1], flat[2], first, last), x.numel(), x.numel() * ENTRY)
        return x
    if _by_products(t, y):
        kept = y.sign().mul_(t)
        if not (math.isnan(kept.sum().item()) or math.isnan(y.sum().item())):
            return kept
    return torch.where(y <= 0, 0, t)


def inside(t: Tensor, z: Tensor, low: float, high: float) -> Tensor:
    """t where ``low < z < high``, else 0."""
    if z.dtype in WIDENED:
        return inside(t.to(WIDENED[z.dtype]), single(z), low, high).to(t.dtype)

    def selected() -> Tensor:
        return torch.where((z > low) & (z < high), t, 0)

    if not _by_products(t, z):
        return selected()
    return _unless_nan(z.clone().gt_(low).mul_(z.clone().lt_(high)).mul_(t), selected)


def leak(t: Tensor, z: Tensor, slope: float) -> Tensor:
    """t where z > 0, else ``slope·t``."""

    def selected() -> Tensor:
        return torch.where(z > 0, t, t * slope)

    if not _by_products(t, z):
        return selected()
    above = z.clone().gt_(0).mul_(t)
    return _unless_nan((t - above).mul_(slope).add_(above), selected)


def elu(z: Tensor, alpha: float, scale: float, input_scale: float) -> Tensor:
    """``scale·z`` where z > 0, else ``scale·alpha·(e^(input_scale·z) − 1)``."""
    if not (is_plain(z) and math.isfinite(alpha)):
        return torch.where(z >= 0, z * scale, torch.expm1(z.clamp(max=0) * input_scale) * (alpha * scale))
    # One of the two is 0.
    return z.clamp(max=0).mul_(input_scale).expm1_().mul_(alpha * scale).add_(z.clamp(min=0).mul_(scale))


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


# ------------------------------------------------------------------------------------------ slopes, by their values


def _in_place(operation: Callable[..., Tensor]) -> Callable[..., Any]:
    def run(self: Own, *others: Any) -> Own:
        operation(self.tensor, *[other.tensor if type(other) is Own else other for other in others])
        return self

    return run


class Own:
    """A temporary in whose memory every operation on it is made, with the words of a tensor."""

    def __init__(self, t: Tensor) -> None:
        self.tensor = t

    __add__, __sub__, __mul__ = map(_in_place, (Tensor.add_, Tensor.sub_, Tensor.mul_))
    square, exp, erf = map(_in_place, (Tensor.square_, Tensor.exp_, Tensor.erf_))


def tensor(t: Any) -> Any:
    """What an `Own` holds, and all else as it is."""
    return t.tensor if isinstance(t, Own) else t


def own(temporary: Tensor, *others: Tensor) -> Tensor:
    """A temporary, to be read by the rest of one expression and nothing else, that goes on with these others.

    Where nothing records, `Own`: the line that stands under an equation then runs without fresh memory.
    """
    return cast(Tensor, Own(temporary)) if is_unrecorded(temporary, *others) else temporary


def elu_slope(z: Tensor, t: Tensor, scale: float, input_scale: float) -> Tensor:
    """``t·scale·e^(input_scale·min(z, 0))``, for an ELU without a kink: ``alpha·input_scale = 1``."""
    return z.clamp(max=0).mul_(input_scale).exp_().mul_(scale).mul_(t)


def hardswish_slope(z: Tensor, t: Tensor) -> Tensor:
    """``t·(0 | z/3 + 1/2 | 1)``: beyond ±3 the middle piece would be 1/2 too large or small, and 0·∞ is 0."""
    slope = z.clamp(-3, 3).div_(3).add_(0.5)
    slope.sub_(z.clone().ge_(3), alpha=0.5).add_(z.clone().le_(-3), alpha=0.5)

    def selected() -> Tensor:
        return torch.where(z <= -3, 0, t) * slope

    return _unless_nan(slope * t, selected) if z.device.type == "cpu" else selected()
