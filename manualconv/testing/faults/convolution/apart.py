"""How a fault is planted: a right layer, taken apart into rules, with one of them replaced.

Every fault imitates a report: the numbers are pytorch's issues and pull requests unless a project is named.
`RIGHT` is the layer with nothing replaced; no law may complain about it.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function, grad

from manualconv.geometry import Window
from manualconv.testing.faults.exam import Exam
from manualconv.testing.laws.convolution import LAWS
from manualconv.testing.laws.convolution.form import transposed
from manualconv.testing.laws.convolution.implementations import EVERYTHING, GOOD, Rule, layer
from manualconv.testing.laws.convolution.layer import Layer
from manualconv.testing.laws.law import Implementation
from manualconv.testing.referee import convolution

#: What a layer made of torch's differentiable operations promises, and one made of a single Function here.
COMPOSED = EVERYTHING - {"one node", "batched"}
FUNCTION = EVERYTHING - {"forward mode", "vmap", "autocast", "batched"}


# ------------------------------------------------------------------------------------------------- right rules


def input_gradient_of(rule: Rule) -> Callable[[Tensor, Tensor, Window], Tensor]:
    """to_input(w, y, window) of a forward rule, by torch's differentiation at x = 0; differentiable again."""

    def to_input(w: Tensor, y: Tensor, window: Window) -> Tensor:
        again = torch.is_grad_enabled()
        with torch.enable_grad():
            x = y.new_zeros((y.shape[0], w.shape[1] * window.groups, *window.input_size), requires_grad=True)
            return grad(rule(x, w, None, window), x, y, create_graph=again)[0]

    return to_input


def weight_gradient_of(rule: Rule) -> Callable[[Tensor, Tensor, Window], Tensor]:
    """to_weight(x, y, window) of a forward rule, by torch's differentiation at w = 0; differentiable again."""

    def to_weight(x: Tensor, y: Tensor, window: Window) -> Tensor:
        again = torch.is_grad_enabled()
        with torch.enable_grad():
            size = (y.shape[1], x.shape[1] // window.groups, *window.kernel_size)
            w = x.new_zeros(size, requires_grad=True)
            return grad(rule(x, w, None, window), w, y, create_graph=again)[0]

    return to_weight


def to_input(w: Tensor, y: Tensor, window: Window) -> Tensor:
    """The right input gradient."""
    return transposed(y, w, window)


to_weight = weight_gradient_of(convolution)


def to_bias(y: Tensor) -> Tensor:
    """The right bias gradient."""
    return y.sum([axis for axis in range(y.dim()) if axis != 1])


def save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    """The right context."""
    x, w, _, ctx.window = inputs
    ctx.save_for_backward(x, w)
    ctx.save_for_forward(x, w)


# ------------------------------------------------------------------------------------------------ taken apart


def function(
    forward: Rule = convolution,
    to_input: Callable[[Tensor, Tensor, Window], Tensor] = to_input,
    to_weight: Callable[[Tensor, Tensor, Window], Tensor] = to_weight,
    to_bias: Callable[[Tensor], Tensor] = to_bias,
    setup: Callable[[Any, tuple[Any, ...], Tensor], None] = save,
    backward: Callable[[Any, Tensor], tuple[Any, ...]] | None = None,
    **rules: Callable[..., Any],
) -> Layer:
    """A layer that is one Function of these rules; `rules` may hold jvp and vmap."""

    def three(ctx: Any, y_bar: Tensor) -> tuple[Any, ...]:
        x, w = ctx.saved_tensors
        return (
            to_input(w, y_bar, ctx.window) if ctx.needs_input_grad[0] else None,
            to_weight(x, y_bar, ctx.window) if ctx.needs_input_grad[1] else None,
            to_bias(y_bar) if ctx.needs_input_grad[2] else None,
            None,
        )

    own: dict[str, Any] = {"forward": forward, "setup_context": setup, "backward": backward or three, **rules}
    kind: Any = type(Function)
    planted: Any = kind("Planted", (Function,), {name: staticmethod(rule) for name, rule in own.items()})

    def apply(x: Tensor, w: Tensor, b: Tensor | None, window: Window) -> Tensor:
        y: Tensor = planted.apply(x, w, b, window)
        return y

    return layer(apply)


RIGHT = function()
EXAM = Exam(
    "convolution",
    LAWS,
    {**GOOD, "a fault with nothing replaced": Implementation(RIGHT, FUNCTION)},
    COMPOSED,
    first="D1",
)


def plant(group: str, *faults: tuple[Any, ...], by: str = "", promises: frozenset[str] = FUNCTION) -> None:
    """Enter faults of a group, each a name, a layer or the rules that a single Function has of its own, and an origin.

    `by` names the law that is asked first of them, and `promises` is what those of rules promise.
    """
    for name, what, *origins in faults:
        origin = origins[0] if origins else ""
        if isinstance(what, dict):
            EXAM.plant(name, group, function(**what), origin, promises=promises, by=by)
        else:
            EXAM.plant(name, group, what, origin, by=by)
