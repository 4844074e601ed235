"""What every hand-written Function shares: one way to be called.

A `Map` gives ``forward``, ``setup_context``, ``backward``, ``jvp`` and ``vmap``.  It is run by ``Map.call(...)``:

* eagerly, through ``apply``, which knows reverse mode, forward mode and ``torch.func``;
* while Dynamo traces, as one node of the graph, which runs that same ``apply``.  Dynamo would otherwise trace forward
  and backward into the graph; but it traces the backward with grad mode off, so that second derivatives lose terms in
  silence, and under ``torch.func`` it drops the derivative of some inputs (pytorch#193279).  A backend that goes on to
  operators (``aot_eager``, ``inductor``, ``export``) traces through the node with torch's own autograd.

Autocast is switched off around forward, backward and jvp: casting is decided once, where the layer runs (`functional`).

A cotangent that is not there stays so: made zeros, it would cost the work of a gradient and meet infinite slopes.

*Zeros of higher order.*  The derivative of a maximum or of a mean does not depend on x between its kinks, so its own
derivative by x is zero.  Torch gives such zeros as tensors, because its kernels take x as an argument; where they do,
ours must (an optimiser steps with zeros, and leaves a parameter without a gradient alone).  A map that keeps x for its
slope returns zeros for it.  A map that keeps no x says ``flat = True``: its last argument is then an edge of x, and its
backward returns ``constant_in(edge, x̄)``.  ``Map.unlinked`` calls it without an edge: as a partner's derivative.

*Gradients with a graph.*  Torch's first backward is one operation of the layer's inputs, so each gradient that it gives
under ``create_graph`` has a graph, the bias's too, though it depends on none of them.  `recorded` gives ours one.

Source: "Extending PyTorch" and "Extending torch.func with autograd.Function" in PyTorch's notes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.autograd import Function

from manualconv.geometry import Extension, TransposedWindow, Window
from manualconv.intervals import Intervals
from manualconv.torch_internals import (
    any_autocast,
    apply,
    at_trace_time,
    forward_mode_on,
    given,
    may_be_differentiated,
    without_tangent,
)


def autocast_is_on(device: str) -> bool:
    """Whether an autocast block is active; a device that has none (meta) is asked nothing."""
    return any_autocast() and torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def outside_autocast(rule: Callable[..., Any]) -> Callable[..., Any]:
    """Run a rule in the dtypes of its tensors, whatever autocast block it is called from."""

    @wraps(rule)
    def plain(*args: Any) -> Any:
        if not any_autocast():
            return rule(*args)
        device = next((t.device.type for t in args if isinstance(t, Tensor)), "cpu")
        if not autocast_is_on(device):
            return rule(*args)
        with torch.autocast(device, enabled=False):
            return rule(*args)

    return plain


class _Primals:
    """A jvp rule's context in which saved tensors carry no tangent of the level being differentiated."""

    def __init__(self, ctx: Any) -> None:
        self._ctx = ctx
        self.saved_tensors = tuple(without_tangent(t) for t in ctx.saved_tensors)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)


def nested(rule: Callable[..., Any]) -> Callable[..., Any]:
    """Let an outer level of forward mode see through a jvp rule.

    torch runs the rule with forward mode off at every level, so that under ``jvp(jvp(f))`` the sums in it would lose
    the outer tangent and the result would be zero, in silence (pytorch#197867).
    """

    @wraps(rule)
    def seen(ctx: Any, *tangents: Any) -> Any:
        with forward_mode_on():
            return rule(_Primals(ctx), *tangents)

    return seen


#: The frozen arguments of maps: in a graph they travel as tuples, which it can hold.
_FROZEN: tuple[type[Any], ...] = (Window, TransposedWindow, Extension, Intervals)
_NAMES = tuple(tuple(field.name for field in fields(kind)) for kind in _FROZEN)


def _packed(argument: Any) -> Any:
    """A frozen argument as a tuple that begins with the name of its kind; all else as it is."""
    for kind, names in zip(_FROZEN, _NAMES):
        if type(argument) is kind:
            return (kind.__name__, *[getattr(argument, name) for name in names])
    return argument


def _unpacked(argument: Any) -> Any:
    """The argument that was packed."""
    if isinstance(argument, tuple) and argument and isinstance(argument[0], str):
        return next(kind for kind in _FROZEN if kind.__name__ == argument[0])(*argument[1:])
    return argument


def as_node(run: Callable[..., Any]) -> Callable[..., Any]:
    """A function that Dynamo puts into its graph as it is, without a look inside: there sizes are what they are.

    Its arguments are tensors, numbers, words, tuples of them, and the frozen ones.
    """

    def node(*args: Any) -> Any:
        return run(*map(_unpacked, args))

    node.__name__ = node.__qualname__ = run.__name__
    node.__module__ = run.__module__

    @at_trace_time
    def allow() -> bool:
        torch.compiler.allow_in_graph(node)
        return True

    def call(*args: Any) -> Any:
        if not torch.compiler.is_dynamo_compiling():
            return run(*args)
        allow()
        return node(*[_packed(argument) for argument in args])

    return call


def _caller(function: type[Map], linked: bool = True) -> Callable[..., Any]:
    """The function behind ``Map.call``.  A closure, because Dynamo does not follow attributes of a Function class."""
    flat = function.flat

    def applied(*args: Any) -> Any:
        return apply(function, (*args, edge_of(args[0]) if linked else None) if flat else args)

    applied.__name__, applied.__module__ = function.__name__, function.__module__
    run = as_node(applied)

    def call(*args: Any) -> Any:
        if any_autocast() and autocast_is_on(device := args[0].device.type):
            with torch.autocast(device, enabled=False):
                return call(*args)
        return run(*args) if torch.compiler.is_dynamo_compiling() else applied(*args)

    return call


class Map(Function):
    """A differentiable map whose derivative is written by hand; subclasses are run with ``call``."""

    call: ClassVar[Callable[..., Any]]
    unlinked: ClassVar[Callable[..., Any]]
    flat: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        rules = {
            "setup_context": _prepared(cls.setup_context),
            "backward": _absent(outside_autocast(cls.backward)),
            "jvp": outside_autocast(nested(cls.jvp)),
        }
        for name, rule in rules.items():
            setattr(cls, name, staticmethod(rule))
        cls.forward = staticmethod(given(cls.forward))  # type: ignore[method-assign]
        cls.call = staticmethod(_caller(cls))
        cls.unlinked = staticmethod(_caller(cls, linked=False)) if cls.flat else cls.call


def _absent(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A backward that is not run, and gives no gradient, where no cotangent comes."""

    @wraps(rule)
    def pulled(ctx: Any, *cotangents: Tensor | None) -> Any:
        if all(c is None for c in cotangents):
            return (None,) * len(ctx.needs_input_grad)
        return rule(ctx, *cotangents)

    return pulled


def _prepared(setup: Callable[..., None]) -> Callable[..., None]:
    """A set-up after which absent cotangents come as None."""

    @wraps(setup)
    def prepared(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.set_materialize_grads(False)
        setup(ctx, inputs, output)

    return prepared


def edge_of(x: Tensor) -> Tensor | None:
    """None of x's entries: a tensor through which autograd reaches x, without the memory of x; None if it need not."""
    return x.narrow_copy(0, 0, 0) if may_be_differentiated(x) else None


def constant_in(edge: Tensor | None, t: Tensor) -> Tensor:
    """t, entry for entry, as a function of the tensor that `edge` leads to; its derivative is zero."""
    # The sum is of no numbers.  Subtracted, because −0 + 0 would not be −0.
    return t if edge is None or not torch.is_grad_enabled() else t - edge.sum()


class _Recorded(Map):
    """``t ↦ t``, as a node that a leaf without entries asks for and gets nothing from."""

    @staticmethod
    def forward(t: Tensor, leaf: Tensor) -> Tensor:
        return t.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Nothing is kept."""

    @staticmethod
    def backward(ctx: Any, t_bar: Tensor) -> tuple[Tensor, None]:
        return t_bar, None

    @staticmethod
    def jvp(ctx: Any, t_dot: Tensor | None, _: None) -> Tensor | None:
        return None if t_dot is None else t_dot.clone()

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], t: Tensor, leaf: Tensor) -> tuple[Tensor, int]:
        return _Recorded.call(t, leaf), in_dims[0]


with torch.inference_mode(False):  # whatever block the first import stands in
    _LEAF = torch.empty(0, dtype=torch.float32, device="cpu", requires_grad=True)


def recorded(*gradients: Tensor | None) -> tuple[Tensor | None, ...]:
    """Gradients of first order; with a graph each, where one is asked for, though some depend on nothing."""
    if not torch.is_grad_enabled():
        return gradients
    return tuple(g if g is None or g.requires_grad else _Recorded.call(g, _LEAF) for g in gradients)


def conj(t: Tensor) -> Tensor:
    """The complex conjugate; a real tensor as it is, without the view that ``Tensor.conj`` makes."""
    return t.conj() if t.is_complex() else t


def fold(x: Tensor, mapped: int | None, size: int, axis: int) -> Tensor:
    """Fold a mapped axis into axis `axis` (counted without it), repeating x where it is not mapped.

    ``(…, B, …)`` → axis of length ``B·L``, the mapped index outermost.
    """
    if mapped is not None:
        return x.movedim(mapped, axis).flatten(axis, axis + 1)
    return x.unsqueeze(axis).expand(*x.shape[:axis], size, *x.shape[axis:]).flatten(axis, axis + 1)


def unfold(y: Tensor, size: int, axis: int) -> Tensor:
    """Undo `fold`: axis of length ``B·L`` → axes ``(B, L)``, the mapped one at `axis`."""
    return y.reshape(*y.shape[:axis], size, y.shape[axis] // size if size else 0, *y.shape[axis + 1 :])
