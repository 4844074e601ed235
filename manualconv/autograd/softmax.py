"""Softmax and log-softmax: gradients of the potential logsumexp, so their Jacobians are symmetric.

    L(z) = log Σ_j e^{z_j}          p = ∇L = softmax(z)          y = z − L(z) = log p

    Softmax      ∂p_i/∂z_j = p_i·(δ_ij − p_j) = diag(p) − p·pᵀ       z̄ = p ⊙ (p̄ − ⟨p, p̄⟩)
    LogSoftmax   ∂y_i/∂z_j = δ_ij − p_j                              z̄ = ȳ − p·Σ_j ȳ_j        ẏ = ż − ⟨p, ż⟩

Neither changes when a number is added to all of z.  So the largest is taken off first, and L is that of what is left:

    m = max_j z_j          d = z − m          p = e^d / Σ_j e^{d_j}          y = d − log Σ_j e^{d_j}

Taken off last, in z − L(z), a large m costs the digits of y: where z is near 10⁸ float32 has steps of 8.  d is exact
where it decides, the sum is at least 1 and nothing overflows.  Half precision is computed in float32 and rounded once.
A row that holds +∞ or NaN, or nothing but −∞, is NaN, as torch's.

Cross-entropy is −Select(log-softmax(z); target), whose gradient is p − one-hot(target).
For complex tensors J is still symmetric, but its adjoint is conj(J): p and y are conjugated on the way back; m is the
largest real part.

Shapes: any, along one axis; the same in and out.  Source: notes on convolution and collected notes (B15, B16);
Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs"; Blanchard, Higham and Higham
2021, "Accurately computing the log-sum-exp and softmax functions" (what is taken off, and when).
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from manualconv.autograd.function import Map, conj
from manualconv.autograd.pointwise import in_float32


def _along(z: Tensor, mapped: int, axis: int) -> tuple[Tensor, int]:
    """``z`` with its mapped axis in front, and the position of `axis` then."""
    return z.movedim(mapped, 0), axis + 1 if axis >= 0 else axis


def _below_largest(z: Tensor, axis: int) -> Tensor:
    """``d = z − m``."""
    if z.dim() and z.shape[axis] == 0:
        return z.clone()
    return z - (z.real if z.is_complex() else z).amax(axis, keepdim=True)


class Softmax(Map):
    """``p = e^d / Σ e^d``."""

    @staticmethod
    @in_float32
    def forward(z: Tensor, axis: int) -> Tensor:
        e = _below_largest(z, axis).exp()
        return e / e.sum(axis, keepdim=True)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, ctx.axis = inputs
        ctx.save_for_backward(output)
        ctx.save_for_forward(output)

    @staticmethod
    @in_float32
    def _times_slope(p: Tensor, t: Tensor, axis: int) -> Tensor:
        return p * (t - (p * t).sum(axis, keepdim=True))

    @staticmethod
    def backward(ctx: Any, p_bar: Tensor) -> tuple[Tensor, None]:
        return Softmax._times_slope(conj(ctx.saved_tensors[0]), p_bar, ctx.axis), None

    @staticmethod
    def jvp(ctx: Any, z_dot: Tensor, _: None) -> Tensor:
        return Softmax._times_slope(ctx.saved_tensors[0], z_dot, ctx.axis)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], z: Tensor, axis: int) -> tuple[Tensor, int]:
        return Softmax.call(*_along(z, in_dims[0], axis)), 0


class LogSoftmax(Map):
    """``y = d − log Σ e^d``."""

    @staticmethod
    @in_float32
    def forward(z: Tensor, axis: int) -> Tensor:
        d = _below_largest(z, axis)
        return d - d.exp().sum(axis, keepdim=True).log()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, ctx.axis = inputs
        ctx.save_for_backward(output)
        ctx.save_for_forward(output)

    @staticmethod
    @in_float32
    def _to_input(y: Tensor, y_bar: Tensor, axis: int) -> Tensor:
        return y_bar - y.exp() * y_bar.sum(axis, keepdim=True)

    @staticmethod
    @in_float32
    def _to_output(y: Tensor, z_dot: Tensor, axis: int) -> Tensor:
        return z_dot - (y.exp() * z_dot).sum(axis, keepdim=True)

    @staticmethod
    def backward(ctx: Any, y_bar: Tensor) -> tuple[Tensor, None]:
        return LogSoftmax._to_input(conj(ctx.saved_tensors[0]), y_bar, ctx.axis), None

    @staticmethod
    def jvp(ctx: Any, z_dot: Tensor, _: None) -> Tensor:
        return LogSoftmax._to_output(ctx.saved_tensors[0], z_dot, ctx.axis)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], z: Tensor, axis: int) -> tuple[Tensor, int]:
        return LogSoftmax.call(*_along(z, in_dims[0], axis)), 0
