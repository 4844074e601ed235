"""Replaced: the output of an activation or of a pool, whose gradient is any function you choose.

    activation   y = φ(z)    slope    z̄ = rule(z, ȳ)             in place of φ′(z) ⊙ ȳ
    pool         y = f(x)    pool     x̄ = rule(x, ȳ, window)     in place of (∂y/∂x)ᵀȳ

The layer computes as always.  Then its output passes one more map, whose gradient is what the rule returns:

    Replaced     y, x ↦ y             ȳ ↦ nothing for y, rule(x, ȳ, …) for x             ẏ, ẋ ↦ ẏ

So values and tangents are exact, whatever the layer is made of, and the layer's own backward does not run.  Guided
back-propagation, for example, is z̄ = [z > 0]·[ȳ > 0]·ȳ.  A second derivative differentiates what the rule computes.

Shapes: y, ȳ the layer's output, x its input, as a batch ``(N, C, *I)`` for a pool and as it is for an activation; x̄ has
the shape of x.  The window of a max, average or power-average pool is a `Window`, its right padding raised where
``ceil_mode`` adds a placement; that of an adaptive pool is an `Intervals`.

Source: Springenberg, Dosovitskiy, Brox and Riedmiller, *Striving for simplicity*, arXiv 1412.6806, section 3.4.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from manualconv.autograd.function import Map
from manualconv.autograd.rules import FirstOrder, gradient, refuse_where_dropped
from manualconv.autograd.slots import Rules
from manualconv.geometry import Intervals, Window
from manualconv.torch_internals import forward_mode_active, may_be_differentiated, transforms_active


def under_rule(y: Tensor, x: Tensor, window: Window | Intervals | None, rules: Rules) -> Tensor:
    """The output y of a pool of x, or of an activation if there is no window, whose gradient is what the rule says.

    Raises:
        RuntimeError: as `under_rules`.
    """
    if not may_be_differentiated(x) or not (x.is_floating_point() or x.is_complex()):
        return y
    refuse_where_dropped()
    ruled: Tensor
    if torch.compiler.is_dynamo_compiling():
        if isinstance(window, Window):
            window.settle()
        ruled = FirstOrder.call(_TracedReplaced.apply(y, x, window, rules))
    else:
        # Without its graph y keeps nothing for a backward that never runs; forward mode and torch.func look into it.
        seen = transforms_active() or forward_mode_active()
        ruled = Replaced.call(y if seen else y.detach(), x, window, rules)
    return ruled


class Replaced(Map):
    """``y, x ↦ y``, with the rule's ``x̄``."""

    @staticmethod
    def forward(y: Tensor, x: Tensor, window: Window | Intervals | None, rules: Rules) -> Tensor:
        return y.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, x, ctx.window, ctx.rules = inputs
        ctx.save_for_backward(x)

    @staticmethod
    def backward(ctx: Any, y_bar: Tensor) -> tuple[Tensor | None, ...]:
        (x,), rules, window = ctx.saved_tensors, ctx.rules, ctx.window
        x_bar = None
        if ctx.needs_input_grad[1] and window is None:
            x_bar = gradient("slope", rules.slope, x.shape, x, x, y_bar)
        elif ctx.needs_input_grad[1]:
            x_bar = gradient("pool", rules.pool, x.shape, x, x, y_bar, window)
        return None, x_bar, None, None

    @staticmethod
    def jvp(ctx: Any, y_dot: Tensor | None, *_: Any) -> Tensor | None:
        return None if y_dot is None else y_dot.clone()

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[Any, ...], y: Tensor, x: Tensor, window: Any, rules: Rules
    ) -> tuple[Tensor, int]:
        if not info.batch_size:  # no element, and no rule to ask
            first = y.unsqueeze(0) if in_dims[0] is None else y.movedim(in_dims[0], 0)
            return first.new_zeros(0, *first.shape[1:]), 0
        # A rule need not be additive over the batch, so each element of the mapped axis keeps its own.
        ys, xs = ([t] * info.batch_size if at is None else t.unbind(at) for t, at in zip((y, x), in_dims))
        return torch.stack([Replaced.call(*row, window, rules) for row in zip(ys, xs)]), 0


class _TracedReplaced(Function):
    """`Replaced` for Dynamo."""

    forward = staticmethod(Replaced.forward)
    setup_context = Replaced.setup_context
    backward = Replaced.backward
