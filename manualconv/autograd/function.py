"""What every hand-written Function shares: one way to be called.

A `Map` gives ``forward``, ``setup_context``, ``backward``, ``jvp`` and ``vmap``.  It is run by ``Map.call(...)``:

* eagerly, through ``apply``, which knows reverse mode, forward mode and ``torch.func``;
* while Dynamo traces, as one node of the graph, which runs that same ``apply``.  Dynamo would otherwise trace forward
  and backward into the graph; but it traces the backward with grad mode off, so that second derivatives lose terms in
  silence, and under ``torch.func`` it drops the derivative of some inputs (pytorch#193279).  A backend that goes on to
  operators (``aot_eager``, ``inductor``, ``export``) traces through the node with torch's own autograd.

Autocast is switched off around forward, backward and jvp: casting is decided once, where the layer runs (`functional`).

An absent cotangent stays None.  As zeros it would cost the work of a gradient, and zero times an infinite slope is NaN.

*Zeros of higher order.*  The derivative of a maximum or of a mean does not depend on x between its kinks, so its own
derivative by x is zero.  Torch's kernels take x as an argument there, so torch returns these zeros as tensors, and ours
must too: an optimiser steps with zeros, but skips a parameter that has no gradient.  A map that keeps x for its slope
returns zeros for it anyway.  A map that does not keep x says ``flat = True``: its last argument is then an edge of x,
and its backward returns ``constant_in(edge, x̄)``.  ``Map.unlinked``, for a partner's derivative, passes no edge.

*Gradients with a graph.*  Torch's first backward is one operation of all the layer's inputs.  So under ``create_graph``
each of its gradients has a graph, even the bias's, which depends on none of them.  `recorded` gives ours one.

Source: "Extending PyTorch" and "Extending torch.func with autograd.Function" in PyTorch's notes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import new_class
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.autograd import Function

from manualconv.autograd.definition import refusal, rules_of
from manualconv.autograd.first_run import looked_at_once
from manualconv.autograd.node import as_node
from manualconv.torch_internals import (
    any_autocast,
    apply,
    forward_mode_on,
    may_be_differentiated,
    not_compiled_alone,
    without_tangent,
)


def autocast_is_on(device: str) -> bool:
    """Whether an autocast block is active; False for a device that has no autocast (meta)."""
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
            y_dot = rule(_Primals(ctx), *tangents)
        if y_dot is None and any(t is not None for t in tangents):
            raise RuntimeError(
                f"{rule.__qualname__} returned None; return the output's tangent, zeros where it is zero"
            )
        return y_dot

    return seen


def _eager(function: type[Map]) -> type[Function]:
    """The map in torch's older form, whose forward keeps what ``setup_context`` would; ``torch.func`` takes the newer.

    For ``setup_context`` torch binds the arguments to forward's signature on each call, at more than a small layer.
    """

    def forward(ctx: Any, *args: Any) -> Any:
        output = function.forward(*args)
        function.setup_context(ctx, args, output)
        return output

    @not_compiled_alone  # where Dynamo takes ctx for that of another class
    def backward(ctx: Any, *cotangents: Any) -> Any:
        return function.backward(ctx, *cotangents)

    def jvp(ctx: Any, *tangents: Any) -> Any:
        return function.jvp(ctx, *tangents)

    members = {rule.__name__: staticmethod(rule) for rule in (forward, backward, jvp)}
    return new_class(  # its node in the graph has the map's name
        function.__name__, (Function,), exec_body=lambda body: body.update(members, __module__=function.__module__)
    )


def _caller(function: type[Map], eager: type[Function], linked: bool = True) -> Callable[..., Any]:
    """The function behind ``Map.call``.  A closure, because Dynamo does not follow attributes of a Function class."""
    flat = function.flat

    def applied(*args: Any) -> Any:
        return apply(function, eager, (*args, edge_of(args[0]) if linked else None) if flat else args)

    applied.__name__, applied.__module__ = function.__name__, function.__module__
    run = as_node(applied)

    def call(*args: Any) -> Any:
        if any_autocast() and autocast_is_on(device := args[0].device.type):
            with torch.autocast(device, enabled=False):
                return call(*args)
        return run(*args) if torch.compiler.is_dynamo_compiling() else applied(*args)

    call.__qualname__ = f"{function.__qualname__}.call"
    return call


class Map(Function):
    """A differentiable map whose derivative is written by hand; run it by ``call``, never by ``apply``.

    A subclass gives five static methods; x stands for the tensors that forward takes, a for its numbers::

        forward(x, a)                       the output: a new tensor, or a tuple of them
        setup_context(ctx, inputs, output)  keeps inputs and outputs: tensors by ctx.save_for_backward and, for jvp,
                                            ctx.save_for_forward; numbers as attributes of ctx
        backward(ctx, y_bar)                a gradient for each of forward's arguments, of its shape; None for a number
        jvp(ctx, x_dot, a_dot)              the output's tangent; a_dot is None
        vmap(info, in_dims, x, a)           (output, its mapped axis), where x has an axis more, at in_dims[0]

    Rules are written with ``call`` of maps and with differentiable operations of torch's: then every order follows.
    They run outside autocast.  A cotangent or tangent that is not there comes as None.

    Args:
        call's: as forward's, by position: tensors first, then numbers, words or tuples of them, which ``torch.compile``
            can hold.

    Attributes:
        jvp, vmap, backward: ``jvp = None`` in the class says that there is none, and the mode that needs it raises.
        generate_vmap_rule: True in place of ``vmap``: torch then maps the other rules.
        abstract: True in a class that is only a base of others; its rules are not checked.
        flat: True where x is not kept and second derivatives by x are still zeros, not None: see the top of this file.

    Raises:
        TypeError: when the class is defined, if a rule is missing, is not static or takes too few arguments.
        RuntimeError: when a rule first runs, if forward changes or returns its argument, if ``setup_context`` keeps a
            tensor that is neither input nor output, or if ``vmap``'s axis is not the mapped one.

    Example::

        class RunningSum(Map):
            @staticmethod
            def forward(x, back):
                return x.flip(-1).cumsum(-1).flip(-1) if back else x.cumsum(-1)

            @staticmethod
            def setup_context(ctx, inputs, output):
                _, ctx.back = inputs

            @staticmethod
            def backward(ctx, y_bar):
                return RunningSum.call(y_bar, not ctx.back), None

            @staticmethod
            def jvp(ctx, x_dot, _):
                return RunningSum.call(x_dot, ctx.back)

            @staticmethod
            def vmap(info, in_dims, x, back):
                return RunningSum.call(x.movedim(in_dims[0], 0), back), 0

        y = RunningSum.call(torch.randn(3, 4, requires_grad=True), False)

    More: docs/DERIVATIVES.md.
    """

    call: ClassVar[Callable[..., Any]]
    unlinked: ClassVar[Callable[..., Any]]
    abstract: ClassVar[bool] = True
    flat: ClassVar[bool] = False
    # A class may say ``= None`` of these.
    backward: ClassVar[Any]
    jvp: ClassVar[Any]
    vmap: ClassVar[Any]
    #: Whether the output has the shape of the first argument.
    same_shape: ClassVar[bool] = False
    _written: ClassVar[dict[str, Any]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.abstract = vars(cls).get("abstract", False)
        if cls.abstract:
            return
        written = rules_of(cls, ("forward", "setup_context", "backward", "jvp", "vmap"))
        # A subclass of this one wraps what was written, not what was made of it.
        cls._written = {name: None if rule is None else staticmethod(rule) for name, rule in written.items()}
        rules = {name: refusal(cls, name) if rule is None else rule for name, rule in written.items()}
        rules["setup_context"] = _prepared(rules["setup_context"])
        rules["backward"] = _absent(outside_autocast(rules["backward"]))
        rules["jvp"] = outside_autocast(nested(rules["jvp"]))
        for name, rule in rules.items():
            setattr(cls, name, staticmethod(looked_at_once(cls, name, rule)))
        eager = _eager(cls)
        cls.call = staticmethod(_caller(cls, eager))
        cls.unlinked = staticmethod(_caller(cls, eager, linked=False)) if cls.flat else cls.call


def _absent(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A backward that is skipped, and gives no gradient, where no cotangent comes."""

    @wraps(rule)
    def pulled(ctx: Any, *cotangents: Tensor | None) -> Any:
        if cotangents[0] is None and all(c is None for c in cotangents):
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
    """A tensor of no entries, through which autograd reaches x without its memory; None if x has no derivative."""
    return x.narrow_copy(0, 0, 0) if may_be_differentiated(x) else None


def constant_in(edge: Tensor | None, t: Tensor) -> Tensor:
    """t unchanged, with a graph that leads to the tensor behind `edge`; the derivative by that tensor is zero."""
    # The sum of no numbers is 0.  It is subtracted, because −0 + 0 is +0.
    return t if edge is None or not torch.is_grad_enabled() else t - edge.sum()


class _Recorded(Map):
    """``t ↦ t`` as a node of the graph: a leaf without entries makes autograd record it, and gets no gradient."""

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


with torch.inference_mode(False):  # also where the first import happens inside an inference_mode block
    _LEAF = torch.empty(0, dtype=torch.float32, device="cpu", requires_grad=True)


def recorded(*gradients: Tensor | None) -> tuple[Tensor | None, ...]:
    """Gradients of first order, each with a graph under ``create_graph``, even one that depends on nothing."""
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
