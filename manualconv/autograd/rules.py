"""Replaceable derivatives: a layer whose gradients are any functions you choose.

A layer y = f(x, w, b) turns the cotangent ȳ of its output into three gradients.  The exact ones are the transposes of
f's derivative.  For a convolution they are maps of `manualconv.autograd.correlation`:

    slot      exact rule       convolution         transposed convolution
    input     x̄ = (∂y/∂x)ᵀȳ    to_input(w, ȳ)      to_output(ȳ, w)
    weight    w̄ = (∂y/∂w)ᵀȳ    to_weight(x, ȳ)     to_weight(ȳ, x)
    bias      b̄ = (∂y/∂b)ᵀȳ    Σ_{n,p} ȳ           Σ_{n,i} ȳ

No gradient reads another: x̄ alone travels on, to the layer below, while w̄ and b̄ end at their parameter.  So one slot
can be given another function of ``(x, w, grad_output, window)``, and the other two stay exact for the ȳ that comes.
Layers below receive what the input rule returns.  Feedback alignment, for example, is x̄ = to_input(B, ȳ) for a fixed
B.

Layers of one tensor, activations and pools, have a slot of their own: see `manualconv.autograd.replaced`.

A rule is part of the graph like the arithmetic it replaces: it runs in backward, with grad mode on where
``create_graph=True``, and a second derivative differentiates what the rule computes.  The forward and its forward-mode
tangent stay exact.  Which rules are in force is decided when the layer runs, never when backward does.

Shapes: x, w, y as in `manualconv.autograd.correlation` with the slots named by the layer's role: x is its input, ȳ has
the shape of its output, the bias gradient is ``(ȳ.shape[1],)``.  An unbatched input comes as a batch of one, a fully
connected layer's as ``(rows, C)``.  A transposed layer's window is a `TransposedWindow`.

Source: Lillicrap et al., *Random feedback weights support learning in deep neural networks*, arXiv 1411.0247.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from torch import Tensor
from torch.autograd import Function

from manualconv.autograd.correlation import Convolution, TransposedConvolution, WeightCorrelation
from manualconv.autograd.function import Map, conj
from manualconv.autograd.slots import WEIGHTED
from manualconv.autograd.slots import Rules as Rules
from manualconv.autograd.slots import in_force as in_force
from manualconv.autograd.summation import SumToBias
from manualconv.geometry import TransposedWindow, Window
from manualconv.torch_internals import backward_is_dropped, may_be_differentiated

T = TypeVar("T")


def exact_input(x: Tensor, w: Tensor, grad_output: Tensor, window: Window) -> Tensor:
    """``x̄ = (∂y/∂x)ᵀ ȳ``; reads no x."""
    x_bar: Tensor = (
        Convolution.call(grad_output, conj(w), None, window)
        if isinstance(window, TransposedWindow)
        else TransposedConvolution.call(conj(w), grad_output, None, window)
    )
    return x_bar


def exact_weight(x: Tensor, w: Tensor, grad_output: Tensor, window: Window) -> Tensor:
    """``w̄ = (∂y/∂w)ᵀ ȳ``; reads no w."""
    w_bar: Tensor = (
        WeightCorrelation.call(grad_output, conj(x), window)
        if isinstance(window, TransposedWindow)
        else WeightCorrelation.call(conj(x), grad_output, window)
    )
    return w_bar


def exact_bias(x: Tensor, w: Tensor, grad_output: Tensor, window: Window) -> Tensor:
    """``b̄ = Σ ȳ`` over batch and positions; reads neither x nor w."""
    b_bar: Tensor = SumToBias.call(grad_output)
    return b_bar


# ----------------------------------------------------------------------------------- a layer with a weight, under rules


def under_rules(x: Tensor, w: Tensor, b: Tensor | None, window: Window, rules: Rules) -> Tensor:
    """The layer y = f(x, w, b) whose gradients are what the rules say; transposed for a `TransposedWindow`.

    Raises:
        RuntimeError: inside ``torch.func`` while compiling, where torch would drop the rules without a word.
    """
    refuse_where_dropped()
    if not torch.compiler.is_dynamo_compiling():
        y: Tensor = UnderRules.call(x, w, b, window, rules)
        return y
    window.settle()
    # Dynamo does not take one tensor in two slots (pytorch#183604): the second is handed over as a view.
    w = w.view_as(w) if w is x else w
    return cast(Tensor, FirstOrder.call(_Traced.apply(x, w, b, window, rules)))


def refuse_where_dropped() -> None:
    """Raise RuntimeError inside ``torch.func`` while compiling, where torch would drop the rules without a word."""
    if backward_is_dropped():
        raise RuntimeError(
            "derivative rules cannot be compiled inside torch.func: torch.compile differentiates the layer's forward "
            "there and drops every custom backward, so the rules would be ignored; run the torch.func transform "
            "uncompiled, or compile the function and differentiate it by .backward() or torch.autograd.grad"
        )


def _in_order(window: Window, x: T, w: T) -> tuple[T, T]:
    """(x, w) in the order of the exact layer's arguments: (w, x) where it is transposed; its own inverse."""
    return (w, x) if isinstance(window, TransposedWindow) else (x, w)


def _described(dtype: torch.dtype, shape: Any, device: torch.device) -> str:
    return f"{str(dtype).removeprefix('torch.')} {list(shape)} on {device}"


def gradient(slot: str, rule: Callable[..., Any], shape: Any, like: Tensor, *seen: Any) -> Tensor | None:
    """What a rule returns, checked to be what the slot needs: a tensor like `like`, of that shape."""
    given = () if torch.compiler.is_compiling() else tuple(t for t in seen if isinstance(t, Tensor))
    before = [t._version for t in given]
    came = rule(*seen)
    if before != [t._version for t in given]:
        raise RuntimeError(
            f"the {slot} rule {getattr(rule, '__qualname__', rule)} changed what it was given in place, which others "
            "read too; compute a new tensor, as grad_output.clamp(min=0) does for grad_output.clamp_(min=0)"
        )
    if came is None:
        return None
    if isinstance(came, Tensor) and came.shape == shape and came.dtype == like.dtype and came.device == like.device:
        return came
    of = slot if slot in WEIGHTED else "input"
    got = _described(came.dtype, came.shape, came.device) if isinstance(came, Tensor) else type(came).__name__
    raise RuntimeError(
        f"the {slot} rule {getattr(rule, '__qualname__', rule)} returned an invalid gradient: got {got}, but expected "
        f"{_described(like.dtype, shape, like.device)}, like the {of}; return such a tensor, or None for no gradient"
    )


def _layer(x: Tensor, w: Tensor, b: Tensor | None, window: Window, rules: Rules) -> Tensor:
    if isinstance(window, TransposedWindow):
        return TransposedConvolution.forward(w, x, b, window)
    return Convolution.forward(x, w, b, window)


class UnderRules(Map):
    """``y = f(x, w, b)``, the layer itself, with the rules' ``x̄, w̄, b̄``."""

    forward = staticmethod(_layer)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, w, _, ctx.window, ctx.rules = inputs
        of_x, of_w, of_b, _, _ = ctx.needs_input_grad
        rules = ctx.rules
        # A rule may read both; the exact one of the input reads w alone, that of the weight x alone, the bias's none.
        both = (
            (of_x and rules.input is not None)
            or (of_w and rules.weight is not None)
            or (of_b and rules.bias is not None)
        )
        for_backward = (x if both or of_w else None, w if both or of_x else None)
        ctx.save_for_backward(*_in_order(ctx.window, *for_backward))
        ctx.save_for_forward(*_in_order(ctx.window, x, w))

    @staticmethod
    def backward(ctx: Any, y_bar: Tensor) -> tuple[Tensor | None, ...]:
        window, rules = ctx.window, ctx.rules
        x, w = _in_order(window, *ctx.saved_tensors)
        x_bar = w_bar = b_bar = None
        if ctx.needs_input_grad[0]:
            if rules.input is None:
                x_bar = exact_input(x, w, y_bar, window)
            else:
                x_bar = gradient("input", rules.input, x.shape, w, x, w, y_bar, window)
        if ctx.needs_input_grad[1]:
            if rules.weight is None:
                w_bar = exact_weight(x, w, y_bar, window)
            else:
                w_bar = gradient("weight", rules.weight, w.shape, w, x, w, y_bar, window)
        if ctx.needs_input_grad[2]:
            if rules.bias is None:
                b_bar = exact_bias(x, w, y_bar, window)
            else:
                b_bar = gradient("bias", rules.bias, y_bar.shape[1:2], w, x, w, y_bar, window)
        return x_bar, w_bar, b_bar, None, None

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor | None, w_dot: Tensor | None, b_dot: Tensor | None, *_: None) -> Tensor | None:
        if isinstance(ctx.window, TransposedWindow):
            return TransposedConvolution.jvp(ctx, w_dot, x_dot, b_dot, None)
        return Convolution.jvp(ctx, x_dot, w_dot, b_dot, None)

    @staticmethod
    def vmap(
        info: Any,
        in_dims: tuple[int | None, ...],
        x: Tensor,
        w: Tensor,
        b: Tensor | None,
        window: Window,
        rules: Rules,
    ) -> tuple[Tensor, int]:
        if not may_be_differentiated(x, w, b):
            axes = (*_in_order(window, *in_dims[:2]), in_dims[2], None)
            layer = TransposedConvolution if isinstance(window, TransposedWindow) else Convolution
            y: tuple[Tensor, int] = layer.vmap(info, axes, *_in_order(window, x, w), b, window)
            return y
        # A rule need not be additive over the batch, so each element of the mapped axis keeps its own.
        rows = ([t] * info.batch_size if t is None or at is None else t.unbind(at) for t, at in zip((x, w, b), in_dims))
        return torch.stack([UnderRules.call(*row, window, rules) for row in zip(*rows)]), 0


class _Traced(Function):
    """`UnderRules` for Dynamo, which traces the rules into the graph, and refuses a Function with forward mode."""

    forward = staticmethod(_layer)
    setup_context = UnderRules.setup_context
    backward = UnderRules.backward


class FirstOrder(Map):
    """``y = x``, whose derivative cannot be differentiated: Dynamo traces rules with grad mode off, and loses terms."""

    jvp = vmap = None

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        """Nothing to keep."""

    @staticmethod
    def backward(ctx: Any, y_bar: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "compiled derivative rules have no second derivative: torch.compile traces a rule without recording "
                "it; run the layer uncompiled where create_graph=True, or leave its rules out"
            )
        return y_bar
