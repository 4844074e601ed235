"""Softmax and log-softmax: gradients of the potential logsumexp, so their Jacobians are symmetric.

    L(z) = log Σ_j e^{z_j}          p = ∇L = softmax(z)          y = z − L(z) = log p

    Softmax      ∂p_i/∂z_j = p_i·(δ_ij − p_j) = diag(p) − p·pᵀ       z̄ = p ⊙ (p̄ − ⟨p, p̄⟩)
    LogSoftmax   ∂y_i/∂z_j = δ_ij − p_j                              z̄ = ȳ − p·Σ_j ȳ_j        ẏ = ż − ⟨p, ż⟩

Cross-entropy is −Select(log-softmax(z); target), whose gradient is p − one-hot(target).
For complex tensors J is still symmetric, but its adjoint is conj(J): p and y are conjugated on the way back.
The maximum is subtracted by ``logsumexp`` itself, so ±1000 neither overflow nor lose digits.

Shapes: any, along one axis; the same in and out.  Source: notes on convolution and collected notes (B15, B16);
Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs".
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from manualconv.autograd.function import Map, conj


def _along(z: Tensor, mapped: int, axis: int) -> tuple[Tensor, int]:
    """``z`` with its mapped axis in front, and the position of `axis` then."""
    return z.movedim(mapped, 0), axis + 1 if axis >= 0 else axis


class Softmax(Map):
    """``p = e^z / Σ e^z``."""

    @staticmethod
    def forward(z: Tensor, axis: int) -> Tensor:
        return (z - z.logsumexp(axis, keepdim=True)).exp()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, ctx.axis = inputs
        ctx.save_for_backward(output)
        ctx.save_for_forward(output)

    @staticmethod
    def backward(ctx: Any, p_bar: Tensor) -> tuple[Tensor, None]:
        p = conj(ctx.saved_tensors[0])
        return p * (p_bar - (p * p_bar).sum(ctx.axis, keepdim=True)), None

    @staticmethod
    def jvp(ctx: Any, z_dot: Tensor, _: None) -> Tensor:
        p: Tensor = ctx.saved_tensors[0]
        return p * (z_dot - (p * z_dot).sum(ctx.axis, keepdim=True))

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], z: Tensor, axis: int) -> tuple[Tensor, int]:
        return Softmax.call(*_along(z, in_dims[0], axis)), 0


class LogSoftmax(Map):
    """``y = z − log Σ e^z``."""

    @staticmethod
    def forward(z: Tensor, axis: int) -> Tensor:
        return z - z.logsumexp(axis, keepdim=True)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, ctx.axis = inputs
        ctx.save_for_backward(output)
        ctx.save_for_forward(output)

    @staticmethod
    def backward(ctx: Any, y_bar: Tensor) -> tuple[Tensor, None]:
        y = conj(ctx.saved_tensors[0])
        return y_bar - y.exp() * y_bar.sum(ctx.axis, keepdim=True), None

    @staticmethod
    def jvp(ctx: Any, z_dot: Tensor, _: None) -> Tensor:
        y: Tensor = ctx.saved_tensors[0]
        return z_dot - (y.exp() * z_dot).sum(ctx.axis, keepdim=True)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], z: Tensor, axis: int) -> tuple[Tensor, int]:
        return LogSoftmax.call(*_along(z, in_dims[0], axis)), 0
