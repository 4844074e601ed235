"""Standardise: subtract the mean, divide by the deviation, scale, shift; the four norms differ in the axes.

With m entries in a group, 1 the vector of ones and C = I − 1·1ᵀ/m (centring, symmetric, C² = C):

    v = ‖Cx‖²/m          r = (v + ε)^(−½)          x̂ = r·Cx

    dr = −r³·⟨Cx, C dx⟩/m = −r²·⟨x̂, dx⟩/m                        since Cx = x̂/r and C x̂ = x̂
    dx̂ = r·C dx + Cx·dr   = r·(C dx − x̂·⟨x̂, dx⟩/m)

Transposed, with cotangents g of x̂ and q of r:

    x̄ = r·(C g − x̂·(⟨x̂, g⟩ + r·q)/m)

Behind it stands an affine map, y = γ·x̂ + β, whose cotangent ȳ reaches x through x̂:

    γ̄ = Σ ȳ·x̂          β̄ = Σ ȳ          g += γ·ȳ

Where γ is one number for all entries of a group, the means in x̄ are those sums: C g = γ·(ȳ − β̄/m), ⟨x̂, g⟩ = γ·γ̄.  In
general Σ runs over the axes along which γ is constant, once for both.  ⟨1, ·⟩ is `level` in the code, ⟨x̂, ·⟩ `along`.

All inputs of these expressions are outputs of the Function, or γ, and nothing else is saved, so that their derivative
is the same expressions again, at every order.  Why x̄ is so short: with σ = 1/r, x̂ = m·∇σ; its Jacobian is m times a
Hessian.  The dependence of μ and v on x is in it: dropping either term is the classical mistake; constant g hides it.

Shapes: x, x̂, y ``(*I)``; r ``(*I)`` with size 1 on `axes`; γ and β with as many axes, size 1 where they are repeated.
Half precision x gives float32 x̂ and r, and y in its own dtype.

Source: Ioffe and Szegedy, *Batch Normalization*, arXiv 1502.03167, section 3; the derivation is our own.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import torch
from torch import Tensor

from manualconv.autograd.function import Map, recorded
from manualconv.geometry import Axes
from manualconv.kernels.entrywise import standardization as kernels


def _summed(t: Tensor, axes: list[int]) -> Tensor:
    """The sum over some axes, or none."""
    return t.sum(axes, keepdim=True) if axes else t


def _like(t: Tensor, shape: torch.Size) -> Tensor:
    """The sum over the axes along which a parameter of that shape is repeated."""
    return _summed(t, [axis for axis, size in enumerate(shape) if size == 1 and t.shape[axis] != 1])


def _times(t: Tensor, gamma: Tensor | None) -> Tensor:
    return t if gamma is None else t * gamma


class Standardize(Map):
    """``x, γ, β → x̂, r, y`` over `axes` (counted from the front); besides μ and v, which have no derivative here.

    `norm` names the layer, "batch" (and instance), "layer" or "group", for what torch's of that name does beyond the
    first order.  Its group norm gives γ and β zeros there, but under ``create_graph``; in the others every gradient of
    first order has a graph, in layer norm also where β alone asks for one.

    Of `axes`, `together` are those along which γ and β are constant too: x̄ goes on from the sums over these that γ̄ and
    β̄ are made of.  Without any, those sums are products of the size of x.
    """

    @staticmethod
    def forward(
        x: Tensor, gamma: Tensor | None, beta: Tensor | None, axes: Axes, eps: float, norm: str
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        return kernels.standardize(x, gamma, beta, axes, eps)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        x, gamma, beta, ctx.axes, _, ctx.norm = inputs
        x_hat, r, _, mean, variance = output
        ctx.dtype = x.dtype
        of_gamma, of_beta = ctx.shapes = [None if t is None else t.shape for t in (gamma, beta)]
        ctx.together = [
            a for a in ctx.axes if (of_gamma is None or of_gamma[a] == 1) and (of_beta is None or of_beta[a] == 1)
        ]
        ctx.mark_non_differentiable(mean, variance)
        ctx.save_for_backward(x_hat, r, gamma)
        ctx.save_for_forward(x_hat, r, gamma)

    @staticmethod
    def backward(
        ctx: Any, g: Tensor | None, q: Tensor | None, y_bar: Tensor | None, *_: None
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None, None]:
        x_hat, r, gamma = ctx.saved_tensors
        to_x, to_gamma, to_beta, *_ = ctx.needs_input_grad
        x_bar = gamma_bar = beta_bar = along = level = room = None
        if y_bar is not None:
            y_bar = y_bar.to(x_hat.dtype)
            if to_x or to_gamma:
                products = x_hat * y_bar
                along = _summed(products, ctx.together)
                room = products if ctx.together else None
                gamma_bar = _like(along, ctx.shapes[0]) if to_gamma else None
            if to_x or to_beta:
                level = _summed(y_bar, ctx.together)
                beta_bar = _like(level, ctx.shapes[1]) if to_beta else None
        if to_x:
            sums = None if along is None or level is None else (_times(along, gamma), _times(level, gamma))
            x_bar = _to_input(ctx.axes, (x_hat, r, gamma), g, q, y_bar, sums, room).to(ctx.dtype)
        if y_bar is None and ctx.norm == "group" and not torch.is_grad_enabled():
            gamma_bar, beta_bar = (
                x_hat.new_zeros(shape) if needed else None for shape, needed in zip(ctx.shapes, (to_gamma, to_beta))
            )
        elif y_bar is not None and (to_x or to_gamma or ctx.norm == "layer") and ctx.norm != "group":
            x_bar, gamma_bar, beta_bar = recorded(x_bar, gamma_bar, beta_bar)
        return x_bar, gamma_bar, beta_bar, None, None, None

    @staticmethod
    def jvp(
        ctx: Any, x_dot: Tensor | None, gamma_dot: Tensor | None, beta_dot: Tensor | None, *_: None
    ) -> tuple[Tensor | None, ...]:
        x_hat, r, gamma = ctx.saved_tensors
        # torch takes no missing tangent of an output.
        x_hat_dot, r_dot = torch.zeros_like(x_hat), torch.zeros_like(r)
        terms: list[Tensor] = []
        if x_dot is not None:
            x_dot = x_dot.to(x_hat.dtype)
            along = (x_hat * x_dot).mean(ctx.axes, keepdim=True)
            x_hat_dot = r * (x_dot - x_dot.mean(ctx.axes, keepdim=True) - x_hat * along)
            r_dot = -(r * r * along)
            terms.append(x_hat_dot.clone() if gamma is None else gamma * x_hat_dot)
        if gamma_dot is not None:
            terms.append(gamma_dot * x_hat)
        if beta_dot is not None:
            terms.append(torch.zeros_like(x_hat) + beta_dot)
        return x_hat_dot, r_dot, reduce(torch.add, terms).to(ctx.dtype), None, None

    @staticmethod
    def vmap(
        info: Any,
        in_dims: tuple[int | None, ...],
        x: Tensor,
        gamma: Tensor | None,
        beta: Tensor | None,
        axes: Axes,
        eps: float,
        norm: str,
    ) -> tuple[tuple[Tensor, ...], tuple[int | None, ...]]:
        x_at, gamma_at, beta_at, *_ = in_dims
        gamma, beta = (
            t if t is None else t.unsqueeze(0) if at is None else t.movedim(at, 0)
            for t, at in ((gamma, gamma_at), (beta, beta_at))
        )
        if x_at is not None:
            axes = tuple(axis + 1 for axis in axes)
            return Standardize.call(x.movedim(x_at, 0), gamma, beta, axes, eps, norm), (0, 0, 0, 0, 0)
        x_hat, r, _, mean, variance = Standardize.call(x, None, None, axes, eps, norm)
        y = _times(x_hat, gamma)
        y = y if beta is None else y + beta
        return (x_hat, r, y.to(x.dtype), mean, variance), (None, None, 0, None, None)


def _to_input(
    axes: Axes,
    kept: tuple[Tensor, Tensor, Tensor | None],
    g: Tensor | None,
    q: Tensor | None,
    y_bar: Tensor | None,
    sums: tuple[Tensor, Tensor] | None,
    room: Tensor | None,
) -> Tensor:
    """``x̄`` of the cotangents that there are.

    `sums` are those of γ·x̂·ȳ and γ·ȳ over some of the axes, or over none; they are summed over the others here.  `room`
    is a tensor of the size of x that nobody reads any more, whose memory x̄ may take.
    """
    x_hat, r, gamma = kept
    m = max(kernels.count(x_hat, axes), 1)
    cotangent, scale = y_bar, gamma
    if g is not None:
        # Besides y, x̂ itself has a cotangent: at higher orders only.
        cotangent, scale = g if y_bar is None else g + _times(y_bar, gamma), None
        sums = x_hat * cotangent, cotangent
    along, level = (None, None) if sums is None else (t.sum(axes, keepdim=True) / m for t in sums)
    if q is not None:
        along = r * q / m if along is None else along + r * q / m
    assert along is not None
    if cotangent is None or level is None:
        return -r * x_hat * along
    return kernels.to_input(cotangent, x_hat, r, scale, level, along, room)
