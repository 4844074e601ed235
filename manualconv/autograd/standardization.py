"""Standardise: subtract the mean, divide by the deviation; batch, layer, group and instance norm differ in the axes.

With m entries in a group, 1 the vector of ones and C = I − 1·1ᵀ/m (centring, symmetric, C² = C):

    v = ‖Cx‖²/m          r = (v + ε)^(−½)          x̂ = r·Cx

    dr = −r³·⟨Cx, C dx⟩/m = −r²·⟨x̂, dx⟩/m                        since Cx = x̂/r and C x̂ = x̂
    dx̂ = r·C dx + Cx·dr   = r·(C dx − x̂·⟨x̂, dx⟩/m)

Transposed, with cotangents g of x̂ and q of r:

    x̄ = r·(C g − x̂·(⟨x̂, g⟩ + r·q)/m)

The inputs of this expression are outputs of the Function, which saves nothing else, so that its derivative is the same
expression again, at every order.  Why it is so short: with σ = 1/r, x̂ = m·∇σ; its Jacobian is m times a Hessian.
The dependence of μ and v on x is in it: dropping either term is the classical mistake, and constant g hides both.

Shapes: x and x̂ ``(*I)``; r ``(*I)`` with size 1 on `axes`.  Half precision x gives float32 x̂ and r.

Source: Ioffe and Szegedy, *Batch Normalization*, arXiv 1502.03167, section 3; the derivation is our own.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from manualconv.autograd.function import Map
from manualconv.geometry import Axes
from manualconv.kernels import standardization as kernels


class Standardize(Map):
    """``x → x̂, r`` over `axes` (counted from the front); besides μ and v, for keeping: they have no derivative here."""

    @staticmethod
    def forward(x: Tensor, axes: Axes, eps: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return kernels.standardize(x, axes, eps)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        x, ctx.axes, _ = inputs
        x_hat, r, mean, variance = output
        ctx.dtype = x.dtype
        ctx.mark_non_differentiable(mean, variance)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x_hat, r)
        ctx.save_for_forward(x_hat, r)

    @staticmethod
    def backward(ctx: Any, g: Tensor | None, q: Tensor | None, *_: None) -> tuple[Tensor | None, None, None]:
        x_hat, r = ctx.saved_tensors
        if g is None and q is None:
            return None, None, None
        shared = None if q is None else r * q / kernels.count(x_hat, ctx.axes)
        if g is None:
            x_bar = -r * x_hat * shared
        else:
            along = (x_hat * g).mean(ctx.axes, keepdim=True)
            along = along if shared is None else along + shared
            # x̂ first: where the layouts of x̂ and g differ, the gradient lies as the input does.
            x_bar = (x_hat * -along + g - g.mean(ctx.axes, keepdim=True)) * r
        return x_bar.to(ctx.dtype), None, None

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor, _axes: None, _eps: None) -> tuple[Tensor, Tensor, None, None]:
        x_hat, r = ctx.saved_tensors
        x_dot = x_dot.to(x_hat.dtype)
        along = (x_hat * x_dot).mean(ctx.axes, keepdim=True)
        x_hat_dot = r * (x_dot - x_dot.mean(ctx.axes, keepdim=True) - x_hat * along)
        return x_hat_dot, -(r * r * along), None, None

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int, None, None], x: Tensor, axes: Axes, eps: float
    ) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        return Standardize.call(x.movedim(in_dims[0], 0), tuple(axis + 1 for axis in axes), eps), (0, 0, 0, 0)
