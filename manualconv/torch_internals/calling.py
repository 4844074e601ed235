"""How a Function of ours is called: by apply, by its forward alone, or not under a tracer."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Signature
from types import FunctionType
from typing import Any, TypeVar

import torch
from torch.autograd import Function

from manualconv.torch_internals.optional import private
from manualconv.torch_internals.transforms import forward_mode_active, transforms_active

T = TypeVar("T")


class _Bound:
    """Arguments that are all there."""

    def __init__(self, args: tuple[Any, ...]) -> None:
        self.args, self.kwargs = args, dict[str, Any]()

    def apply_defaults(self) -> None:
        """There are none."""


class _Given(Signature):
    """The signature of a rule that is always called with all its arguments, in order: nothing to look up."""

    def bind(self, *args: Any, **_: Any) -> Any:
        """As they came."""
        return _Bound(args)


def given(forward: Callable[..., Any]) -> Callable[..., Any]:
    """A forward rule spared the look-up of its defaults.

    ``Function.apply`` binds them by ``inspect.signature`` on each call, which costs more than a small layer; a
    signature that stands beside the function is taken as it is.  A copy: Dynamo reads the true signature.
    """
    assert isinstance(forward, FunctionType)
    copy = FunctionType(forward.__code__, forward.__globals__, forward.__name__, None, forward.__closure__)
    copy.__dict__.update(forward.__dict__, __doc__=forward.__doc__, __signature__=_Given())
    return copy


def apply(function: type[Function], args: tuple[Any, ...]) -> Any:
    """``function.apply(*args)``; its forward alone where no mode of differentiation could ask for more."""
    if tracer():
        raise RuntimeError(
            f"torch.jit's tracer cannot hold the derivative of {function.__name__}: call manualconv.restore(model) and "
            "trace torch's layers, or trace the functions of manualconv.functional, which it records as torch's"
        )
    if transforms_active():
        return function.apply(*args)
    if not (torch.is_grad_enabled() or forward_mode_active()):
        return function.forward(*args)
    return super(Function, function).apply(*_living(args))  # type: ignore[misc]


#: Whether ``torch.jit.trace`` is at work in this thread.
tracer: Callable[[], bool] = torch.jit.is_tracing  # type: ignore[attr-defined]

_living = private("torch._functorch.utils.unwrap_dead_wrappers", lambda args: args)

#: Whether an autocast block of any device is active; if torch does not say, each device is asked.
any_autocast: Callable[[], bool] = private("torch._C._is_any_autocast_enabled", lambda: True)


def at_trace_time(action: Callable[[], T]) -> Callable[[], T]:
    """An action that Dynamo does, as it stands, when it meets it, instead of tracing it; its result is a constant.

    ``torch.compiler.assume_constant_result`` sets the same mark, but imports Dynamo for it.
    """
    setattr(action, "_dynamo_marked_constant", True)  # noqa: B010
    return action
