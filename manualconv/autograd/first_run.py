"""What only the results of a rule show; checked when it first runs, and never again.

    forward         y is a new tensor, and x, the argument, holds what it held
    setup_context   what is kept is an input or an output
    vmap            the output's mapped axis has the length of the input's

Grad mode is off in ``setup_context``, so neither what it computes nor an intermediate of forward has a graph: if one is
kept, a second derivative silently loses the terms through it.  Too few gradients, or one of another shape, are left to
torch, which raises.

Shapes: those of the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import torch
from torch import Tensor

from manualconv.autograd.definition import PAGE


def _tensors(values: Any) -> list[Tensor]:
    return [v for v in (values if isinstance(values, tuple) else (values,)) if isinstance(v, Tensor)]


def _inside(value: Any) -> list[Tensor]:
    """The tensors in a value, and in the tuples, lists and dicts that it is made of."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, (tuple, list)):
        return [t for part in value for t in _inside(part)]
    return [value] if isinstance(value, Tensor) else []


def _wrong(cls: type, name: str, what: str) -> RuntimeError:
    return RuntimeError(f"{name} of {cls.__qualname__} {what} ({PAGE})")


def _first_forward(cls: Any, forward: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    given = [t for t in _tensors(args) if not t.is_inference()]
    before = [t._version for t in given]
    if any(t.requires_grad for a in args if isinstance(a, tuple) for t in _inside(a)):
        raise _wrong(
            cls,
            "forward",
            "takes a tensor that asks for a gradient inside a tuple, where torch does not look; "
            "give it as an argument of its own",
        )
    output = forward(*args)
    if before != [t._version for t in given]:
        raise _wrong(cls, "forward", "changed an argument in place; compute a new tensor, as x.clamp does for x.clamp_")
    if any(y is t for y in _tensors(output) for t in _tensors(args)):
        raise _wrong(cls, "forward", "returned one of its arguments; return a new tensor, as x.clone()")
    if cls.same_shape and (not isinstance(output, Tensor) or output.shape != args[0].shape):
        got = list(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise _wrong(
            cls,
            "forward",
            f"returned {got} for {list(args[0].shape)}; a map of entries keeps the shape, any other is a Map",
        )
    return output


class _Watched:
    """A context that takes only tensors with a graph."""

    def __init__(self, cls: type, ctx: Any, known: list[Tensor]) -> None:
        vars(self).update(_cls=cls, _ctx=ctx, _known=known)

    def _check(self, tensors: Iterable[Any]) -> None:
        for t in tensors:
            moving = isinstance(t, Tensor) and (t.is_floating_point() or t.is_complex())
            if moving and not any(t is k for k in self._known):
                raise _wrong(
                    self._cls,
                    "setup_context",
                    "keeps a tensor that is neither input nor output, so that a second derivative would lose the terms "
                    "through it; keep an input or an output and compute with it in backward, or return it from forward",
                )

    def save_for_backward(self, *tensors: Any) -> None:
        self._check(tensors)
        self._ctx.save_for_backward(*tensors)

    def save_for_forward(self, *tensors: Any) -> None:
        self._check(tensors)
        self._ctx.save_for_forward(*tensors)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)

    def __setattr__(self, name: str, value: Any) -> None:
        # Numbers may be tensors, kept in a tuple as they came.
        kept = [t for t in _inside(value) if t is value or not any(t is k for k in self._known)]
        if any(t.is_floating_point() or t.is_complex() for t in kept):
            raise _wrong(
                self._cls,
                "setup_context",
                f"sets ctx.{name} to a tensor; keep it with ctx.save_for_backward, and for "
                "jvp with ctx.save_for_forward",
            )
        setattr(self._ctx, name, value)


def _first_setup(cls: type, setup: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    ctx, inputs, output = args
    return setup(_Watched(cls, ctx, [*_tensors(inputs), *_tensors(output)]), inputs, output)


def _first_vmap(cls: type, vmap: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    result = vmap(*args)
    if isinstance(result, tuple) and len(result) == 2:  # torch refuses all else
        outputs, axes = (r if isinstance(r, tuple) else (r,) for r in result)
        for y, axis in zip(outputs, axes):
            if axis is None and len(outputs) > 1:  # one of several may depend on nothing that is mapped
                continue
            if isinstance(y, Tensor) and (
                axis is None or not -y.dim() <= axis < y.dim() or y.shape[axis] != args[0].batch_size
            ):
                raise _wrong(
                    cls,
                    "vmap",
                    f"returned an output of shape {list(y.shape)} with {axis} as its mapped axis, which is "
                    f"to be {args[0].batch_size} long; return (output, axis)",
                )
    return result


_FIRST = {"forward": _first_forward, "setup_context": _first_setup, "vmap": _first_vmap}


def looked_at_once(cls: type, name: str, rule: Callable[..., Any]) -> Callable[..., Any]:
    """A rule that is checked at its first run; from then on the class holds the rule itself."""
    first = _FIRST.get(name)
    if first is None:
        return rule

    @wraps(rule)
    def looked_at(*args: Any) -> Any:
        if torch.compiler.is_compiling():
            return rule(*args)
        result = first(cls, rule, args)
        if torch.is_inference_mode_enabled():  # its tensors do not tell whether they were changed
            return result
        kept = vars(cls)[name]
        if isinstance(kept, staticmethod) and kept.__func__ is looked_at:  # not replaced meanwhile
            setattr(cls, name, staticmethod(rule))
        return result

    return looked_at
