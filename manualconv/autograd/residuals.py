"""What losses do to every entry: the absolute value, Huber's function, the cross-entropy of a coin.

    Absolute            y = |r|                                        φ′ = sgn r, with 0 at 0
    Huber               y = r²/2c where |r| ≤ δ, else (|r| − δ/2)·δ/c  φ′ = Clip(r)
    Clip                y = min(max(r, −δ), δ)/c                       φ′ = 1[|r| < δ]/c
    BinaryCrossEntropy  y = −t·log x − (1 − t)·log(1 − x)              ∂x = (x − t)/(x·(1 − x)), ∂t = log(1 − x) − log x
    LogitCrossEntropy   y = z·(1[z > 0] − t) + log(1 + e^(−|z|))       ∂z = (1 − t)·σ(z) − t·σ(−z), ∂t = −z

Huber's loss has c = 1, smooth L1 has c = δ = β.  These are numbers of float64, and r need not be: a β of 10⁻⁵⁰ is 0 in
float32, where r/β is 0/0 for r = 0, and δ/c is 1 all the same.  Half precision is computed in float32.

LogitCrossEntropy is BinaryCrossEntropy of x = σ(z), by terms that do not cancel: max(z, 0) − z·t loses the digits of a
small 1 − t, and σ(z) − t those of a small loss.

A diagonal is its own transpose: both modes multiply by the same slope, written with these maps again, so that every
order closes: Absolute → sgn, Huber → Clip → a mask.
|r| of complex r is real and its slope r/|r| no derivative in the complex sense: ṙ ↦ Re(conj(sgn r)·ṙ), adjoint to
ȳ ↦ ȳ·sgn r.

Shapes: any; the same in and out.  Source: P. J. Huber, *Robust Estimation of a Location Parameter*, 1964.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from manualconv.autograd.function import Map
from manualconv.autograd.kinds import in_front
from manualconv.autograd.pointwise import OF_INPUT, Pointwise, in_float32
from manualconv.autograd.sigmoidal import Sigmoid
from manualconv.kernels.entrywise import residuals as kernels
from manualconv.kernels.entrywise.pointwise import own


class Absolute(Map):
    """``y = |r|``; real for complex r."""

    @staticmethod
    def forward(r: Tensor) -> Tensor:
        return r.abs()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, y_bar: Tensor) -> Tensor:
        (r,) = ctx.saved_tensors
        r_bar: Tensor = y_bar * r.sgn()
        return r_bar

    @staticmethod
    def jvp(ctx: Any, r_dot: Tensor) -> Tensor:
        (r,) = ctx.saved_tensors
        s: Tensor = r.sgn()
        return s.real * r_dot.real + s.imag * r_dot.imag if r.is_complex() else s * r_dot

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int], r: Tensor) -> tuple[Tensor, int]:
        return Absolute.call(r), in_dims[0]


class Huber(Pointwise):
    """``y = r²/2c`` within ``|r| ≤ δ``, its tangent ``(|r| − δ/2)·δ/c`` beyond."""

    setup_context = OF_INPUT

    @staticmethod
    def forward(r: Tensor, delta: float, divisor: float) -> Tensor:
        return kernels.huber(r, delta, divisor)

    @staticmethod
    def times_slope(r: Tensor, t: Tensor, delta: float, divisor: float) -> Tensor:
        slope: Tensor = Clip.call(r, delta, divisor)
        return t * slope


class Clip(Pointwise):
    """``y = min(max(r, −δ), δ)/c``; flat at ±δ itself, where torch's clamp has slope 1 and its Huber loss 0."""

    setup_context = OF_INPUT

    @staticmethod
    @in_float32
    def forward(r: Tensor, delta: float, divisor: float) -> Tensor:
        return torch.where(r.abs() >= delta, r.sgn() * (delta / divisor), kernels.divided(r, divisor))

    @staticmethod
    @in_float32
    def times_slope(r: Tensor, t: Tensor, delta: float, divisor: float) -> Tensor:
        return kernels.divided(torch.where(r.abs() < delta, t, 0), divisor)


class _OfCoin(Map):
    """A loss of two tensors of one shape, entry by entry.

    Subclasses give ``forward(x, t)`` and its slopes, ``by_input(x, t)`` and ``by_target(x)``.
    """

    abstract = True
    by_input: Callable[[Tensor, Tensor], Tensor]
    by_target: Callable[[Tensor], Tensor]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    def __init_subclass__(cls) -> None:
        by_input, by_target = cls.by_input, cls.by_target

        def pulled(ctx: Any, y_bar: Tensor) -> tuple[Tensor | None, Tensor | None]:
            x, t = ctx.saved_tensors
            to_input, to_target = ctx.needs_input_grad
            x_bar = y_bar * by_input(x, t) if to_input else None
            return x_bar, y_bar * by_target(x) if to_target else None

        def pushed(ctx: Any, x_dot: Tensor | None, t_dot: Tensor | None) -> Tensor:
            x, t = ctx.saved_tensors
            y_dot = torch.zeros_like(x) if x_dot is None else x_dot * by_input(x, t)
            return y_dot if t_dot is None else y_dot + t_dot * by_target(x)

        def entry_by_entry(
            info: Any, in_dims: tuple[int | None, int | None], x: Tensor, t: Tensor
        ) -> tuple[Tensor, int]:
            x, t = (in_front(info.batch_size, u, at) for u, at in zip((x, t), in_dims))
            return cls.call(x, t), 0

        for name, rule in (("backward", pulled), ("jvp", pushed), ("vmap", entry_by_entry)):
            setattr(cls, name, staticmethod(rule))
        super().__init_subclass__()


class BinaryCrossEntropy(_OfCoin):
    """``y = −t·log x − (1 − t)·log(1 − x)``, logarithms cut off at −100 and the slope's denominator at 10⁻¹²."""

    @staticmethod
    def forward(x: Tensor, t: Tensor) -> Tensor:
        return kernels.binary_cross_entropy(x, t)

    @staticmethod
    @in_float32
    def by_input(x: Tensor, t: Tensor) -> Tensor:
        return (x - t) / ((1 - x) * x).clamp(min=kernels.LEAST)

    @staticmethod
    @in_float32
    def by_target(x: Tensor) -> Tensor:
        # Not cut off: torch's slope is infinite at 0 and 1.
        return torch.log1p(-x) - torch.log(x)


class LogitCrossEntropy(_OfCoin):
    """``y = −t·log σ(z) − (1 − t)·log σ(−z)``."""

    @staticmethod
    def forward(z: Tensor, t: Tensor) -> Tensor:
        return kernels.logit_cross_entropy(z, t)

    @staticmethod
    @in_float32
    def by_input(z: Tensor, t: Tensor) -> Tensor:
        slope: Tensor = own(1 - t, z) * Sigmoid.call(z) - own(Sigmoid.call(-z), t) * t
        return slope

    @staticmethod
    def by_target(z: Tensor) -> Tensor:
        return -z
